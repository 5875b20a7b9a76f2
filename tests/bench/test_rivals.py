"""What others could pick: the search finds the best prices of a demand, and the rivals read a world as they should."""

from pathlib import Path

import numpy as np
import pytest

from bench.rivals import Panel, constant, family_indices, recent, rivals, search, shrunk_regressions
from bench.worlds import COMMAND, main
from pricewright.worlds import World, simulate_world
from tests.bench.test_worlds import TINY, cuts_all_prices, marked

SETTINGS = {"seed": 1, "skus": 40, "weeks": 60, "first_week": "2024-01-01", "units_per_week": 25}


@pytest.fixture(scope="module")
def world() -> World:
    return simulate_world({**SETTINGS, "kind": "substitutes_nested"})


def test_elastic_items_get_the_lowest_price_and_inelastic_ones_the_highest(world: World) -> None:
    elasticity = np.where(np.arange(len(world.now)) % 2, -2.0, -0.5)
    prices, promised = search(world, constant(world, elasticity))
    assert np.allclose(prices, np.where(elasticity < -1, world.low, world.high))
    assert promised > 0


def test_a_demand_that_knows_the_truth_gains_most_of_what_the_oracle_gains(world: World) -> None:
    prices, promised = search(world, world.expected_units)
    uplift = world.expected_sales(prices) / world.expected_sales(world.now) - 1
    assert uplift == pytest.approx(promised)
    assert uplift > 0.03
    assert (prices >= world.low - 1e-9).all() and (prices <= world.high + 1e-9).all()


def test_slopes_are_found_where_item_and_week_effects_hide_them(world: World) -> None:
    panel = Panel.of(world)
    rng = np.random.default_rng(1)
    effects = rng.normal(0, 1, (len(world.now), 1)) + rng.normal(0, 1, (1, len(world.weeks)))
    known = panel._replace(log_units=effects - 2.0 * panel.relative + 0.5 * panel.promotion)
    assert known.regress([panel.relative, panel.promotion]) == pytest.approx([-2.0, 0.5], abs=1e-3)


def test_one_index_moves_a_family_and_the_price_over_it_moves_an_item(world: World) -> None:
    demand = family_indices(world)
    all_up = demand(np.column_stack([world.now, 1.1 * world.now]))
    assert np.allclose(all_up[:, 1] / all_up[:, 0], (all_up[:, 1] / all_up[:, 0])[0]), "one answer to a common move"
    assert demand(world.now[:, None])[:, 0] == pytest.approx(recent(world))
    assert shrunk_regressions(world)(world.now[:, None])[:, 0] == pytest.approx(recent(world))


def test_the_table_sets_everybody_beside_the_product(tmp_path: Path, world: World) -> None:
    page = tmp_path / "worlds.md"
    marked(page)
    page.write_text(page.read_text() + f"\n<!-- {COMMAND} --rivals writes from here -->\n<!-- to here -->")
    main([*TINY, "--rivals", "--out", str(page)], cuts_all_prices)
    written = page.read_text()
    assert all(name in written for name in ("Pricewright", *rivals()))
    assert "| thin" in written and "50.0%" in written, "all kinds, and what the product promised"
