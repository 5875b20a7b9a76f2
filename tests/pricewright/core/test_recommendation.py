import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricewright.core.recommendation import CANDIDATES, Floats, Terms, bounds, recommend

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
