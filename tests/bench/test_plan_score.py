"""A price list is scored by what it is worth in the world, and by whether it said so."""

from typing import Any

import numpy as np
import polars as pl
import pytest

from bench.plan_score import PlanScore, Yardsticks, measure, moves_that_gain, score_plan, uplift
from pricewright.worlds import World, simulate_world
from pricewright.worlds.attainable import oracle_prices

SMALL: dict[str, Any] = {"skus": 60, "weeks": 60, "first_week": "2024-01-01", "units_per_week": 25, "seed": 2}


@pytest.fixture(scope="module", params=["plain", "substitutes_nested"])
def world(request: pytest.FixtureRequest) -> World:
    return simulate_world(SMALL | {"kind": request.param})


@pytest.fixture(scope="module")
def yardsticks(world: World) -> Yardsticks:
    return measure(world)


@pytest.fixture(scope="module")
def oracle(world: World) -> np.ndarray:
    return oracle_prices(world)


def listed(world: World, prices: np.ndarray, **columns: Any) -> pl.DataFrame:
    """A price list that promises the truth."""
    return pl.DataFrame(
        {
            "stock_code": world.codes,
            "current_price": world.now,
            "optimal_price": prices,
            "expected_sales": world.sales(prices),
            "current_expected_sales": world.sales(world.now),
            **columns,
        }
    )


def test_what_can_be_had_grows_with_what_is_known(yardsticks: Yardsticks) -> None:
    assert yardsticks.oracle > yardsticks.attainable > yardsticks.prior > 0


def test_keeping_every_price_captures_nothing_and_promises_nothing(world: World, yardsticks: Yardsticks) -> None:
    score = score_plan(world, listed(world, world.now), yardsticks)
    assert score.captured == 0.0 and score.promised == 0.0 and score.moved == 0.0 and score.worse == 0.0
    assert score.kept is None and score.raised is None and score.reliability == ()


def test_the_oracle_keeps_its_promise_and_captures_more_than_is_attainable(
    world: World, yardsticks: Yardsticks, oracle: np.ndarray
) -> None:
    score = score_plan(world, listed(world, oracle), yardsticks)
    assert score.realised == pytest.approx(yardsticks.oracle) and score.kept == pytest.approx(1.0)
    assert score.captured > 1.0 and score.worse == 0.0 and score.priced == 1.0 and score.misread == 0.0


def test_a_promise_of_twice_the_gain_is_half_kept(world: World, yardsticks: Yardsticks, oracle: np.ndarray) -> None:
    honest = listed(world, oracle)
    boast = honest.with_columns(expected_sales=2 * pl.col("expected_sales") - pl.col("current_expected_sales"))
    assert score_plan(world, boast, yardsticks).kept == pytest.approx(0.5)


@pytest.mark.parametrize(("low", "high", "held"), [(-0.5, 0.5, True), (0.5, 0.9, False)])
def test_the_interval_of_the_plan_holds_the_truth_or_not(
    low: float, high: float, held: bool, world: World, yardsticks: Yardsticks, oracle: np.ndarray
) -> None:
    plan = {"uplift": 0.1, "uplift_low": low, "uplift_high": high}
    assert score_plan(world, listed(world, oracle), yardsticks, plan).plan_held is held


def test_a_kept_price_stays_at_the_regular_one_even_when_the_list_misreads_it(
    world: World, yardsticks: Yardsticks
) -> None:
    misread = listed(world, 0.8 * world.now).with_columns(current_price=pl.col("optimal_price"))
    score = score_plan(world, misread, yardsticks)
    assert score.realised == 0.0 and score.moved == 0.0 and score.misread == 1.0


def test_skus_without_a_row_keep_their_price(world: World, yardsticks: Yardsticks, oracle: np.ndarray) -> None:
    first = np.arange(60) < 30
    score = score_plan(world, listed(world, oracle).head(30), yardsticks)
    assert score.priced == 0.5
    assert score.realised == pytest.approx(uplift(world, np.where(first, oracle, world.now)))


def test_worse_counts_every_item_of_a_family_that_loses(world: World, yardsticks: Yardsticks) -> None:
    for item in range(0, 60, 7):
        family = world.family == world.family[item]
        for end in (world.low, world.high):
            prices = np.where(np.arange(60) == item, end, world.now)
            loses = world.sales(prices)[family].sum() < 0.99 * world.sales(world.now)[family].sum()
            score = score_plan(world, listed(world, prices), yardsticks)
            assert score.worse == pytest.approx(family.mean() if loses else 0.0)


def test_a_move_gains_when_taking_it_back_alone_would_cost_sales(world: World) -> None:
    moved = np.arange(60) % 3 > 0
    prices = np.where(moved, np.random.default_rng(8).uniform(world.low, world.high), world.now)
    gains = moves_that_gain(world, prices, moved)
    taken_back = [np.where(np.arange(60) == item, world.now, prices) for item in range(60)]
    pays = np.array([world.expected_sales(prices) > world.expected_sales(other) for other in taken_back])
    assert np.array_equal(gains, pays & moved)


def test_stated_probabilities_are_held_against_the_share_that_gains(
    world: World, yardsticks: Yardsticks, oracle: np.ndarray
) -> None:
    wrong = np.clip(world.now**2 / oracle, world.low, world.high)  # each price to the other side
    score = score_plan(world, listed(world, wrong, uplift_probability=0.95), yardsticks)
    (found,) = score.reliability
    assert (found.low, found.high, found.stated) == (0.9, 1.0, pytest.approx(0.95))
    assert found.gained < 0.4 and found.moves == round(60 * score.moved)
    assert score_plan(world, listed(world, oracle, uplift_probability=0.95), yardsticks).reliability[0].gained > 0.9


def test_coverage_is_the_share_of_intervals_that_hold_the_true_elasticity(
    world: World, yardsticks: Yardsticks, oracle: np.ndarray
) -> None:
    off = np.where(np.arange(60) < 15, 9.0, 0.0)
    bounds = {"elasticity_low": world.elasticity - 0.1 + off, "elasticity_high": world.elasticity + 0.1 + off}
    score: PlanScore = score_plan(world, listed(world, oracle, **bounds), yardsticks)
    assert score.elasticity_covered == 0.75 and score.sales_covered is None
