import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from demand.recommendation import Terms, bounds, recommend

PRICE = st.floats(0.1, 500.0)


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
