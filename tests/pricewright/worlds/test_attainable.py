"""The yardsticks: nobody beats the oracle, and who must learn the curves from the weeks gets a part of its gain."""

from typing import Any

import numpy as np
import pytest

from pricewright.worlds import KINDS, World, simulate_world
from pricewright.worlds.attainable import attainable_prices, oracle_prices, posterior_curves
from pricewright.worlds.learnable import learned

SMALL: dict[str, Any] = {"skus": 60, "weeks": 60, "first_week": "2024-01-01", "units_per_week": 25, "seed": 2}


@pytest.fixture(scope="module", params=list(KINDS))
def world(request: pytest.FixtureRequest) -> World:
    return simulate_world(SMALL | {"kind": request.param})


@pytest.fixture(scope="module")
def oracle(world: World) -> np.ndarray:
    return oracle_prices(world)


def test_the_oracle_stays_in_the_guardrail_and_gains(world: World, oracle: np.ndarray) -> None:
    assert (oracle >= world.low - 1e-9).all() and (oracle <= world.high + 1e-9).all()
    assert world.expected_sales(oracle) > world.expected_sales(world.now)


def test_no_other_price_of_one_item_or_of_one_family_beats_the_oracle(world: World, oracle: np.ndarray) -> None:
    best, rng = world.expected_sales(oracle), np.random.default_rng(1)
    for _ in range(200):
        family = world.family == rng.choice(world.family)
        alone = np.arange(60) == rng.integers(60)
        for moved, prices in ((family, oracle * rng.uniform(0.8, 1.2)), (alone, rng.uniform(world.low, world.high))):
            tried = np.where(moved, np.clip(prices, world.low, world.high), oracle)
            assert world.expected_sales(tried) <= best * (1 + 2e-5)


def test_learning_the_curves_from_the_weeks_attains_a_part_of_the_oracle(world: World, oracle: np.ndarray) -> None:
    now = world.expected_sales(world.now)
    share = (world.expected_sales(attainable_prices(world)) - now) / (world.expected_sales(oracle) - now)
    assert 0.0 < share < 1.0


def test_the_posterior_covers_the_true_parameters(world: World) -> None:
    drawn, curves = posterior_curves(world), world.truth.curves
    covered = []
    for values, true, sd in (
        (drawn.families, curves.families, curves.family_prior[1]),
        (drawn.items, curves.items, curves.item_prior[1]),
    ):
        low, high = np.quantile(values[..., sd > 0], [0.05, 0.95], axis=0)
        covered.append(((low <= true[:, sd > 0]) & (true[:, sd > 0] <= high)).ravel())
    assert 0.75 < np.concatenate(covered).mean() < 0.97


@pytest.mark.parametrize("kind", ["plain", "substitutes_nested"])
def test_who_has_to_learn_levels_as_well_knows_less_of_the_curves_and_is_right_as_often(kind: str) -> None:
    world = simulate_world(SMALL | {"kind": kind})
    curves, levels = learned(world)
    known = posterior_curves(world)
    true, sd = world.truth.curves.families, world.truth.curves.family_prior[1] > 0
    low, high = np.quantile(curves.families[..., sd], [0.05, 0.95], axis=0)
    assert 0.75 < ((low <= true[:, sd]) & (true[:, sd] <= high)).mean() < 0.99
    assert curves.families[..., 0].std(axis=0).mean() > known.families[..., 0].std(axis=0).mean()
    assert np.corrcoef(levels[:, -1], np.log(world.truth.coming))[0, 1] > 0.9


def test_more_weeks_teach_more() -> None:
    spreads = [
        posterior_curves(simulate_world(SMALL | {"kind": "plain", "weeks": weeks})).families[:, :, 0].std(axis=0).mean()
        for weeks in (30, 150)
    ]
    assert spreads[1] < 0.8 * spreads[0]
