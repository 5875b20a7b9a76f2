"""None"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import nbinom

from pricewright.core.decision import (
    CANDIDATES,
    Floats,
    Terms,
    bounds,
    candidate_prices,
    decide,
    elasticity,
    interval,
    price_grid,
    recommend,
)
from pricewright.core.errors import ParameterError

PRICE = st.floats(0.1, 500.0)
BINS = (10, 20, 50, 200)


@given(PRICE, st.floats(1.0, 4.0), PRICE, PRICE, st.floats(0, 0.5), st.floats(1.0, 3.0))
def test_the_guardrail_always_holds_the_current_price(
    lowest: float, spread: float, current: float, reference: float, widen: float, factor: float
) -> None:
    low, high = bounds(lowest, lowest * spread, current, reference, widen, factor)
    assert 0 < low <= current <= high


def test_the_guardrail_is_the_observed_range_widened_but_near_the_reference_price() -> None:
    assert bounds(8.0, 12.0, 10.0, 10.0, 0.1, 2.0) == (pytest.approx(7.2), pytest.approx(13.2))
    assert bounds(1.0, 90.0, 10.0, 10.0, 0.1, 2.0) == (5.0, 20.0)
    assert bounds(1.0, 90.0, 40.0, 10.0, 0.1, 2.0) == (20.0, 40.0)


def test_decision_and_elasticity_come_from_the_same_curve() -> None:
    draws = np.linspace(1.7, 2.3, 31)
    found = recommend(lambda prices: 50 * (prices[:, None] / 10) ** -draws, 10.0, 8.0, 12.0, Terms())
    assert found.decision.optimal_price == 8.0
    assert found.decision.sales_uplift == pytest.approx(np.mean(0.8 ** (1 - draws)) - 1)
    assert found.elasticity == pytest.approx(-2.0, abs=0.01)
    assert found.elasticity_low < found.elasticity < found.elasticity_high


def test_a_model_without_a_posterior_gives_a_price_and_no_probability() -> None:
    found = recommend(lambda prices: 50 * (prices[:, None] / 10) ** -0.5, 10.0, 8.0, 12.0, Terms())
    assert found.decision.optimal_price == 12.0
    assert found.decision.uplift_probability is None


def peaked(prices: Floats) -> Floats:
    """Units (n, 9) that sell best at 10.37, between the candidates of any coarse grid."""
    return 50 * np.exp(-3 * np.log(prices / 10.37) ** 2)[:, None] / prices[:, None] * np.linspace(0.9, 1.1, 9)


@pytest.mark.parametrize("endings", [(), (0.99, 0.49)])
def test_the_price_does_not_depend_on_how_many_are_drawn(endings: tuple[float, ...]) -> None:
    found = [recommend(peaked, 8.0, 7.0, 14.0, Terms(bins=bins, endings=endings)).decision for bins in BINS]
    assert len(set(found)) == 1
    assert found[0].optimal_price == (10.49 if endings else pytest.approx(10.37, abs=7 / CANDIDATES))


def test_every_label_of_a_narrow_range_is_a_candidate() -> None:
    assert recommend(peaked, 10.0, 9.5, 11.0, Terms(bins=10)).decision.optimal_price == 10.37


def test_at_most_all_candidates_and_three_prices_more_are_asked_for() -> None:
    asked: list[int] = []

    def counted(prices: Floats) -> Floats:
        asked.append(len(prices))
        return peaked(prices)

    recommend(counted, 50.0, 1.0, 100.0, Terms(bins=1000))
    assert asked == [CANDIDATES + 3]


PRICES = price_grid(5.0, 15.0, 101)
CURRENT = 10.0


def constant(elasticities: np.ndarray | list[float], prices: np.ndarray | float) -> np.ndarray:
    """100 units at the current price, falling with constant elasticity; (n, S)."""
    ratio = np.atleast_1d(prices)[:, None] / CURRENT
    return 100.0 * ratio ** -np.atleast_1d(elasticities)[None, :]


def decided(elasticities: np.ndarray | list[float], **asked: object):  # type: ignore[no-untyped-def]
    units = constant(elasticities, PRICES)
    return decide(PRICES, units, CURRENT, constant(elasticities, CURRENT)[0], **asked)  # type: ignore[arg-type]


def test_inelastic_demand_takes_the_highest_allowed_price() -> None:
    assert decided([0.5, 0.6, 0.7]).optimal_price == PRICES[-1]


def test_elastic_demand_takes_the_lowest_allowed_price() -> None:
    assert decided([1.8, 2.0, 2.5]).optimal_price == PRICES[0]


def test_linear_demand_is_priced_in_the_middle_of_its_line() -> None:
    line = np.maximum(160.0 - 10.0 * PRICES, 0.0)[:, None]
    found = decide(PRICES, line, CURRENT, np.array([60.0]))
    assert found.optimal_price == pytest.approx(8.0, abs=0.05)
    assert found.expected_sales == pytest.approx(640.0, rel=1e-3)


def test_an_optimum_beats_its_neighbours() -> None:
    draws = np.linspace(0.5, 1.5, 9)
    units = 100.0 * np.exp(-draws[None, :] * (PRICES[:, None] / CURRENT - 1))
    found = decide(PRICES, units, 13.0, 100.0 * np.exp(-draws * 0.3), minimum_probability=0.5)
    sales = (PRICES[:, None] * units).mean(axis=1)
    best = int(np.argmin(abs(PRICES - found.optimal_price)))
    assert sales[best] == sales.max()


def test_a_move_that_gains_on_average_but_probably_loses_is_not_recommended() -> None:
    elasticities = [0.9] * 7 + [4.0] * 3  # three draws in ten make lowering the price look brilliant
    kept = decided(elasticities, minimum_probability=0.95)
    assert kept.optimal_price == CURRENT
    assert not kept.moved
    assert "gains with probability" in kept.reason
    assert decided(elasticities, minimum_probability=0.2).moved


def test_the_probability_is_the_share_of_draws_that_gain() -> None:
    found = decided([0.4, 0.5, 0.6, 1.6], minimum_probability=0.5)
    assert found.optimal_price > CURRENT
    assert found.uplift_probability == 0.75


def test_profit_takes_a_higher_price_than_sales() -> None:
    elasticities = np.array([2.0])
    sales, profit = decided(elasticities), decided(elasticities, objective="profit", unit_cost=5.0)
    assert sales.optimal_price < profit.optimal_price
    assert profit.optimal_price == pytest.approx(10.0, abs=0.11)  # cost x e / (e - 1), Lerner (1934)


def test_profit_without_a_cost_is_refused() -> None:
    with pytest.raises(ParameterError, match="unit_cost is not known"):
        decided([1.0, 1.2], objective="profit")


@given(st.floats(0.05, 40.0), st.floats(1.0, 3.0), st.integers(2, 200), st.sampled_from([(), (0.99,), (0.95, 0.49)]))
def test_candidate_prices_never_leave_the_guardrail(
    low: float, width: float, bins: int, endings: tuple[float, ...]
) -> None:
    high = low * width
    prices = candidate_prices(low, high, bins, endings=endings)
    assert 1 <= len(prices) <= bins
    assert (np.diff(prices) > 0).all()
    assert prices[0] >= low - 1e-6 and prices[-1] <= high + 1e-6


def test_prices_end_as_asked_where_the_guardrail_holds_such_a_price() -> None:
    prices = candidate_prices(3.2, 7.4, 50, endings=(0.99, 0.95))
    assert prices.tolist() == [3.95, 3.99, 4.95, 4.99, 5.95, 5.99, 6.95, 6.99]
    assert len(candidate_prices(3.2, 3.4, 50, endings=(0.99,))) == 21


def test_the_elasticity_of_a_constant_curve_is_its_exponent() -> None:
    draws = np.linspace(1.0, 2.0, 101)
    mean, low, high = elasticity(np.array([9.9, 10.1]), constant(draws, np.array([9.9, 10.1])), 10.0)
    assert mean == pytest.approx(-1.5, abs=1e-6)
    assert (low, high) == (pytest.approx(-1.95, abs=0.01), pytest.approx(-1.05, abs=0.01))


@pytest.mark.parametrize(("mean", "size"), [(3.0, 1.0), (40.0, 4.0), (400.0, 2.0)])
def test_nine_of_ten_weeks_lie_inside_the_interval(mean: float, size: float) -> None:
    weeks = nbinom.rvs(size, size / (size + mean), size=20_000, random_state=1)
    expected, low, high = interval(np.array([[mean]]), size)
    assert expected[0] == mean
    assert 0.87 <= ((weeks >= low[0]) & (weeks <= high[0])).mean() <= 0.97


def test_a_grid_of_no_width_or_of_one_bin_is_refused() -> None:
    for low, high, bins in ((5.0, 4.0, 10), (0.0, 4.0, 10), (1.0, 2.0, 1)):
        with pytest.raises(ParameterError, match="at least 2 bins"):
            price_grid(low, high, bins)


@pytest.mark.parametrize("draws", [1, 2, 128])
def test_the_elasticitys_interval_is_that_of_its_draws(draws: int) -> None:
    slopes = np.random.default_rng(1).uniform(0.5, 3, draws)
    prices = np.array([1.9, 2.1])
    _, low, high = elasticity(prices, prices[:, None] ** -slopes, 2.0)
    assert (low, high) == pytest.approx(tuple(np.quantile(-slopes, (0.05, 0.95))))
