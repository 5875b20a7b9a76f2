"""A world is what its kind says: deterministic, with realistic prices, and lines that add up to its units."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import yaml

from pricewright.core.errors import ParameterError
from pricewright.ingest import ingest_frame
from pricewright.worlds import DEVELOPED_ON, HELD_OUT, KINDS, World, simulate_world
from pricewright.worlds.curves import sell
from pricewright.worlds.world import relive

PARAMS: dict[str, Any] = yaml.safe_load((Path(__file__).parents[3] / "params.yaml").read_text())
SMALL = PARAMS["market"] | {"skus": 60, "weeks": 60, "seed": 4}


def small(kind: str, **changed: Any) -> World:
    return simulate_world(SMALL | {"kind": kind} | changed)


@pytest.fixture(scope="module", params=list(KINDS))
def world(request: pytest.FixtureRequest) -> World:
    return small(request.param)


def test_every_kind_is_either_developed_on_or_held_out_half_and_half() -> None:
    assert sorted((*DEVELOPED_ON, *HELD_OUT)) == sorted(KINDS)
    assert len(DEVELOPED_ON) == len(HELD_OUT) >= 5


def test_a_kind_that_does_not_exist_is_named_with_those_that_do() -> None:
    with pytest.raises(ParameterError, match=r"'flat': it must be one of plain, "):
        small("flat")


def test_the_same_parameters_give_the_same_world_and_another_seed_another(world: World) -> None:
    again, other = small(world.kind), small(world.kind, seed=5)
    assert np.array_equal(again.units, world.units) and np.array_equal(again.low, world.low)
    assert again.transactions(SMALL).equals(world.transactions(SMALL))
    assert not np.array_equal(other.units, world.units)


def test_messy_lines_change_nothing_about_the_world(world: World) -> None:
    clean = small(world.kind, dirt=0.0, cut_off_days=0)
    assert np.array_equal(clean.units, world.units)


def test_prices_can_stand_on_a_label_and_promotions_are_below_the_regular_price(world: World) -> None:
    for prices in (world.prices, world.regular, world.now):
        assert (prices > 0).all() and np.allclose(prices, prices.round(2))
    assert (world.prices[world.promotion] < world.regular[world.promotion]).all()
    assert np.array_equal(world.prices[~world.promotion], world.regular[~world.promotion])


def test_the_guardrail_holds_the_present_price_and_at_most_halves_or_doubles_it(world: World) -> None:
    assert (world.low < world.now).all() and (world.now < world.high).all()
    assert (world.low >= world.now / 2).all() and (world.high <= world.now * 2).all()


def test_what_is_not_in_stock_is_not_sold(world: World) -> None:
    assert world.units[world.in_stock == 0].sum() == 0
    assert ((world.in_stock >= 0) & (world.in_stock <= 1)).all()


def test_units_scatter_around_the_true_mean(world: World) -> None:
    truth = world.truth
    mean = sell(truth.curves, truth.base, truth.offer) * truth.afterwards
    assert world.units.sum() == pytest.approx(mean.sum(), rel=0.1)
    scatter = (world.units - mean) ** 2 / np.maximum(mean + mean**2 / truth.size[:, None], 1e-9)
    assert scatter[mean > 0.5].mean() == pytest.approx(1.0, abs=0.15)


def test_a_world_relived_sells_other_units_around_the_same_truth(world: World) -> None:
    other = relive(world, 1)
    assert not np.array_equal(other.units, world.units)
    assert other.units.sum() == pytest.approx(world.units.sum(), rel=0.1)
    assert (other.units[world.in_stock == 0] == 0).all() and (other.second.units <= other.units).all()
    assert other.expected_sales(world.now) == world.expected_sales(world.now)


def test_the_true_elasticity_is_that_of_the_expected_units(world: World) -> None:
    for item in (0, 7, 31):
        up, down = (world.now * np.where(np.arange(60) == item, factor, 1.0) for factor in (1.01, 0.99))
        units = world.expected_units(up)[item], world.expected_units(down)[item]
        assert world.elasticity[item] == pytest.approx(np.log(units[0] / units[1]) / np.log(1.01 / 0.99))


def test_expected_units_of_many_price_sets_are_those_of_each(world: World) -> None:
    sets = np.stack([world.low, world.now, world.high], axis=1)
    together = world.expected_units(sets)
    assert together[:, 2] == pytest.approx(world.expected_units(world.high))
    assert world.expected_sales(world.now) == pytest.approx(world.sales(sets)[:, 1].sum())


def test_other_families_do_not_feel_a_price(world: World) -> None:
    moved = np.where(world.family == world.family[20], world.high, world.now)
    change = world.expected_units(moved) - world.expected_units(world.now)
    assert change[world.family != world.family[20]] == pytest.approx(0.0)
    assert abs(change[20]) > 0


def test_the_lines_add_up_to_the_units_of_every_week(world: World) -> None:
    lines = world.transactions(SMALL)
    accepted = ingest_frame(lines, PARAMS["ingest"], source="world").accepted
    full = accepted.filter(pl.col("invoice_time").dt.date() < world.weeks[-1] + (world.weeks[1] - world.weeks[0]))
    sold = full.group_by("stock_code").agg(pl.col("units").sum())
    units = dict(zip(sold["stock_code"], sold["units"], strict=True))
    found = np.array([units.get(code, 0) for code in world.codes])
    assert found.sum() == pytest.approx(world.units.sum(), rel=0.02)
    assert np.abs(found - world.units.sum(axis=1)).max() <= 0.1 * world.units.sum(axis=1).max()


def test_the_lines_say_what_was_on_promotion(world: World) -> None:
    lines = world.transactions(SMALL | {"dirt": 0.0}).filter(pl.col("Channel") == "shop")
    item = dict(zip(world.codes, range(60), strict=True))
    week = {monday: t for t, monday in enumerate(world.weeks)}
    lines = lines.with_columns(week=pl.col("InvoiceDate").dt.truncate("1w").dt.date())
    lines = lines.filter(pl.col("week") <= world.weeks[-1])
    at = [item[code] for code in lines["StockCode"]], [week[monday] for monday in lines["week"]]
    assert np.array_equal(lines["Promotion"].to_numpy() == 1, world.promotion[at])
    assert set(lines["Category"].unique()) <= set(world.categories)


def test_a_second_channel_sells_at_its_own_price() -> None:
    world = small("channels")
    sells = world.second.factor != 1.0
    assert 0.2 < sells.mean() < 0.8
    assert (world.second.units <= world.units).all() and (world.second.units[~sells] == 0).all()
    lines = world.transactions(SMALL | {"dirt": 0.0})
    assert set(lines["Channel"].unique()) == {"shop", "online"}
    assert (
        lines["InvoiceNo"]
        .filter(lines["Channel"] == "shop")
        .is_in(lines["InvoiceNo"].filter(lines["Channel"] == "online").implode())
        .sum()
        == 0
    )
