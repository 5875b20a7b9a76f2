"""Profit and tax: what is left of a price, and which price leaves most, where the truth is known."""

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pricewright.core.decision import Terms
from pricewright.core.errors import ParameterError
from pricewright.core.plan import Plan, family_value, make_plan, offer
from pricewright.core.substitution import Draws
from pricewright.price_list import plan_summary, price_list, products_of
from pricewright.profit import hard_limits, net_shares, tax_summary
from tests.pricewright.core.shops import BASE_PRICE, posterior

DRAWS, SEED, SURE = 64, 1, 0.7
PARAMS: dict[str, Any] = {
    "objective": "profit", "minimum_probability": SURE, "minimum_information": 0.3, "bins": 5, "endings": [],
    "guardrail_widen": 0.1, "guardrail_factor": 2.0,
}  # fmt: skip
RATES = [0.2, 0.05, None, 0.2, 0.0, 0.2, 0.05, None]
COSTS = [1.0, 1.2, None, 6.0, 5.0, 2.0, 3.0, 2.5]


def catalog(**columns: list[Any]) -> pl.DataFrame:
    """The shop of shops.py, whose prices include tax."""
    prices = dict.fromkeys(("current_price", "reference_price"), BASE_PRICE)
    seen = {"price_min": 0.7 * BASE_PRICE, "price_max": 1.4 * BASE_PRICE}
    codes = [f"P{i}" for i in range(len(BASE_PRICE))]
    known = {"unit_cost": COSTS, "tax_rate": RATES} | columns
    types = dict.fromkeys(known, pl.Float64)
    return pl.DataFrame({"stock_code": codes, "description": codes, **prices, **seen, **known}, schema_overrides=types)


def planned(table: pl.DataFrame, **params: Any) -> tuple[Plan, pl.DataFrame]:
    """The plan and its price list; nothing is kept back."""
    merged = PARAMS | params
    plan = make_plan(posterior(), products_of(table, np.ones(table.height), merged), DRAWS, SEED, SURE)
    return plan, price_list(plan, products_of(table, np.ones(table.height), merged), table, [None] * 8, merged)


def test_tax_and_cost_leave_of_a_price_what_a_till_says() -> None:
    plan = Plan(
        np.array([12.0]), np.array([12.0]), np.array([np.nan]), np.zeros((1, 3)), np.full((1, 4), 5.0),
        np.full((1, 4), 5.0), np.array([1 / 1.2]),
    )  # fmt: skip
    assert plan.sales.tolist() == pytest.approx(np.full((1, 4), 50.0))
    now, then = plan.profit(np.array([6.0]))
    assert now.tolist() == pytest.approx(np.full((1, 4), 20.0)) and np.array_equal(now, then)
    assert not plan.profit(np.array([np.nan]))[0].any()


@pytest.mark.parametrize("rate", [0.0, 0.07, 0.2])
def test_the_best_price_for_profit_is_the_one_that_no_other_label_beats_without_tax(rate: float) -> None:
    alone, net, cost = np.array([6]), 1 / (1 + rate), 3.0
    terms = Terms(objective="profit")
    product = offer(BASE_PRICE[6], 0.5 * BASE_PRICE[6], 2 * BASE_PRICE[6], terms, cost, fixed=False, net=net)
    known = posterior(spread=1e-4)[alone]
    price = make_plan(known, [product], DRAWS, SEED, SURE).prices[0]
    demand = Draws(DRAWS, 1, SEED).of(known)
    labels = np.arange(2.5, 10.0, 0.01)
    earned = [((label * net - cost) * demand.units(np.array([label]))).mean() for label in labels]
    assert price == pytest.approx(labels[int(np.argmax(earned))], abs=0.05)


def test_among_substitutes_the_one_that_is_taxed_less_is_worth_more() -> None:
    """Where the others stay, a product that leaves less is priced higher: its buyers go to what leaves more."""
    best = []
    for net in (1.0, 0.8):
        offered = [offer(price, 0.5 * price, 2 * price, Terms(), 0.0, fixed=True) for price in BASE_PRICE]
        offered[0] = offer(BASE_PRICE[0], 0.5 * BASE_PRICE[0], 2 * BASE_PRICE[0], Terms(), 0.0, fixed=False, net=net)
        best.append(make_plan(posterior(2.0, keeps=0.5, spread=1e-4), offered, DRAWS, SEED, SURE).prices[0])
    assert best[1] > best[0]


def test_no_price_of_a_taxed_family_is_beaten_by_its_neighbours() -> None:
    table = catalog()
    products = products_of(table, np.ones(8), PARAMS)
    plan = make_plan(posterior(spread=1e-4), products, DRAWS, SEED, SURE)
    members = np.array([0, 1, 2])
    demand = Draws(DRAWS, 1, SEED).of(posterior(spread=1e-4)[members])
    offered, best = [products[i] for i in members], plan.prices[members]
    worth = family_value(demand, offered, best).mean()
    for j, step in ((j, step) for j in range(3) for step in (-0.05, 0.05)):
        moved = best + step * (np.arange(3) == j)
        if offered[j].low <= moved[j] <= offered[j].high:
            assert family_value(demand, offered, moved).mean() <= worth * (1 + 1e-4)


def test_prices_without_tax_are_what_they_say_and_labels_stay_as_they_are() -> None:
    table = catalog()
    assert net_shares(table, PARAMS)[[0, 2, 4]].tolist() == [pytest.approx(1 / 1.2), 1.0, 1.0]
    assert net_shares(table, PARAMS | {"includes_tax": False}).tolist() == [1.0] * 8
    for included, name in ((True, "price_with_tax"), (False, "price_without_tax")):
        _, listed = planned(table, includes_tax=included)
        taxed = listed.filter(pl.col("tax_rate").is_not_null())
        assert taxed[name].to_numpy() == pytest.approx(taxed["optimal_price"].to_numpy())
        ratio = taxed["price_with_tax"] / taxed["price_without_tax"]
        assert ratio.to_numpy() == pytest.approx(1 + taxed["tax_rate"].to_numpy())
        assert listed.filter(pl.col("tax_rate").is_null())["price_with_tax"].null_count() == 2


def test_a_shop_without_rates_of_tax_is_priced_as_ever() -> None:
    without = catalog().drop("tax_rate")
    plan, listed = planned(without)
    same, _ = planned(catalog(tax_rate=[None] * 8))
    assert np.array_equal(plan.prices, same.prices) and np.array_equal(plan.sales, same.sales)
    assert listed["price_with_tax"].null_count() == 8
    assert tax_summary(without, PARAMS) == {}
    assert tax_summary(catalog(), PARAMS)["tax"] == {"skus": 6, "mean_rate": pytest.approx(0.7 / 6), "included": True}


def test_the_summary_adds_up_what_the_list_says_of_profit() -> None:
    table = catalog()
    plan, listed = planned(table)
    found = plan_summary(plan, 1.0, table["unit_cost"].fill_null(np.nan).to_numpy())
    assert found["costed"] == 7 == listed["profit"].count()
    assert found["profit"] == pytest.approx(listed["profit"].sum())
    assert found["profit_now"] == pytest.approx(listed["profit_now"].sum())
    assert found["profit_gain"] == pytest.approx(found["profit"] - found["profit_now"])
    assert found["profit_gain"] > 0 and found["profit_low"] < found["profit"] < found["profit_high"]
    half = plan_summary(plan, 0.5, table["unit_cost"].fill_null(np.nan).to_numpy())
    assert half["profit_gain"] == pytest.approx(found["profit_gain"] / 2)
    assert half["profit"] == pytest.approx((found["profit"] + found["profit_now"]) / 2)
    assert plan_summary(plan)["profit"] is None and plan_summary(plan)["costed"] == 0


amounts = st.one_of(st.none(), st.floats(0.1, 20.0))


@settings(max_examples=50)
@given(st.lists(amounts, min_size=8, max_size=8), st.floats(-0.5, 0.9), st.floats(0.0, 0.3), st.booleans())
def test_every_price_that_may_be_asked_leaves_the_margin_that_is_asked_for(
    costs: list[float | None], margin: float, rate: float, included: bool
) -> None:
    table = catalog(unit_cost=costs, tax_rate=[rate] * 8)
    params = PARAMS | {"objective": "sales", "margin_floor": margin, "includes_tax": included}
    for product, cost in zip(products_of(table, np.ones(8), params), costs, strict=True):
        if cost is not None:
            net = min(product.low, product.kept, *product.candidates) / (1 + rate * included)
            assert (net - cost) / net >= margin - 1e-9


def test_a_ceiling_goes_before_the_margin() -> None:
    table = catalog(unit_cost=[10.0] * 8, ceiling=[4.0] * 8)
    assert hard_limits(table, PARAMS | {"margin_floor": 0.5})[0] == (4.0, 4.0)


@pytest.mark.parametrize("margin", [20, 1.0, -1, "20%", True])
def test_a_margin_that_is_no_share_is_refused_with_the_share_that_is_meant(margin: Any) -> None:
    with pytest.raises(ParameterError, match=r"price\.margin_floor is .*a share") as caught:
        hard_limits(catalog(), PARAMS | {"margin_floor": margin})
    assert "0.2 leaves 20 %" in caught.value.hint


def test_an_unknown_objective_is_refused_and_the_margin_named() -> None:
    with pytest.raises(ParameterError, match=r"price\.objective is 'margin'") as caught:
        products_of(catalog(), np.ones(8), PARAMS | {"objective": "margin"})
    assert "price.margin_floor" in caught.value.hint
