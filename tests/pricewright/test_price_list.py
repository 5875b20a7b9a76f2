"""What a plan promises, when the past lets it promise all of a gain and when only a part."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricewright.core.plan import Plan, Product
from pricewright.price_list import plan_summary, price_list, products_of

DRAWS = 64
PRICES, CURRENT = np.array([8.0, 12.0, 5.0]), np.array([10.0, 10.0, 5.0])
PRODUCTS = [Product(10.0, 5.0, 20.0, np.array([8.0, 12.0]), 0.0, False, 10.0) for _ in PRICES]
CATALOG = pl.DataFrame({"stock_code": ["a", "b", "c"], "description": ["A", "B", "C"], "unit_cost": [None] * 3})
PARAMS = {"objective": "sales", "minimum_probability": 0.7}


@pytest.fixture(scope="module")
def plan() -> Plan:
    """One price down, one up, one that stays."""
    rng = np.random.default_rng(1)
    now = np.tile([[20.0], [30.0], [40.0]], DRAWS) * np.exp(rng.normal(0, 0.05, (3, DRAWS)))
    units = now * np.exp(np.array([[0.5], [-0.05], [0.0]]) + rng.normal(0, 0.02, (3, DRAWS)) * [[1], [1], [0]])
    return Plan(CURRENT, PRICES, np.array([0.9, 0.8, np.nan]), np.tile([-2.0, -3.0, -1.0], (3, 1)), units, now)


def listed(plan: Plan, trust: float) -> pl.DataFrame:
    """The price list."""
    return price_list(plan, PRODUCTS, CATALOG, [None] * 3, PARAMS, trust)


def test_half_the_trust_promises_half_of_every_gain(plan: Plan) -> None:
    whole, half = listed(plan, 1.0), listed(plan, 0.5)
    for name in ("sales_uplift", "promised_low", "promised_high"):
        assert half[name].to_numpy() == pytest.approx(whole[name].to_numpy() / 2)
    gain = whole["expected_sales"] - whole["current_expected_sales"]
    assert half["expected_sales"].to_numpy() == pytest.approx((whole["current_expected_sales"] + gain / 2).to_numpy())
    assert half["optimal_price"].equals(whole["optimal_price"])


def test_full_trust_promises_what_the_draws_say(plan: Plan) -> None:
    whole = listed(plan, 1.0)
    assert whole["expected_sales"].to_list() == plan.sales.mean(axis=1).tolist()
    assert whole["expected_units"].to_numpy() == pytest.approx(plan.units.mean(axis=1))


def test_expected_units_are_those_of_the_promised_sales(plan: Plan) -> None:
    half = listed(plan, 0.5)
    assert (half["expected_units"] * half["optimal_price"]).to_numpy() == pytest.approx(
        half["expected_sales"].to_numpy()
    )


def test_the_summary_shrinks_as_the_list_does(plan: Plan) -> None:
    whole, half, none = (plan_summary(plan, trust) for trust in (1.0, 0.5, 0.0))
    assert half["uplift"] == pytest.approx(whole["uplift"] / 2)
    assert half["uplift_low"] == pytest.approx(whole["uplift_low"] / 2)
    assert half["sales"] == pytest.approx((whole["sales"] + whole["sales_now"]) / 2)
    assert half["sales"] == pytest.approx(float(listed(plan, 0.5)["expected_sales"].sum()))
    assert none["sales"] == pytest.approx(none["sales_now"])
    assert (half["trust"], half["moved"], half["probability"]) == (0.5, 2, whole["probability"])


amounts = st.one_of(st.none(), st.floats(0.5, 40.0))


@given(floors=st.lists(amounts, min_size=3, max_size=3), ceilings=st.lists(amounts, min_size=3, max_size=3))
def test_no_price_that_may_be_asked_is_beyond_a_floor_or_ceiling(
    floors: list[float | None], ceilings: list[float | None]
) -> None:
    for i, (floor, ceiling) in enumerate(zip(floors, ceilings, strict=True)):
        if floor is not None and ceiling is not None:
            floors[i], ceilings[i] = min(floor, ceiling), max(floor, ceiling)
    prices = {name: [10.0] * 3 for name in ("current_price", "reference_price", "price_min", "price_max")}
    limits = pl.DataFrame({"floor": floors, "ceiling": ceilings}, schema={"floor": pl.Float64, "ceiling": pl.Float64})
    catalog = CATALOG.hstack(pl.DataFrame(prices)).hstack(limits)
    params = PARAMS | {
        "bins": 5, "endings": [], "guardrail_widen": 0.1, "guardrail_factor": 2.0, "minimum_information": 0.3,
    }  # fmt: skip
    for product, floor, ceiling in zip(products_of(catalog, np.ones(3), params), floors, ceilings, strict=True):
        asked = [product.kept, product.low, product.high, *product.candidates]
        assert min(asked) >= (floor or 0.0) - 1e-9 and max(asked) <= (ceiling or np.inf) + 1e-9
