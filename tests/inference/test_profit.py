"""Profit and tax in the answers, of a release that names rates of tax for every second SKU."""

from collections.abc import Callable
from typing import Any

import pytest

from inference.handler import App
from pricewright.backups import REGISTRY
from tests.synthetic_shop import Shop

RATE = 0.25
TAXED, UNTAXED, UNCOSTED, IN_FAMILY = "20014", "20007", "20028", "20042"  # numbers 2, 1, 4, 6

Ask = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> App:
    shop = Shop(tmp_path_factory.mktemp("taxed"))
    shop.point(shop.write(tax_rate=RATE))
    return shop.app()


def check(answer: dict[str, Any]) -> None:
    """Sales and profit follow from the label, the tax and the cost."""
    net = 1 / (1 + RATE) if answer["tax_rate"] is not None else 1.0
    assert answer["expected_sales"] == pytest.approx(answer["optimal_price"] * net * answer["expected_units"])
    cost = answer["unit_cost"]
    profit = answer["expected_sales"] - cost * answer["expected_units"]
    assert answer["profit"] == pytest.approx(profit)
    units = answer["current_expected_sales"] / (answer["current_price"] * net)
    assert answer["profit_now"] == pytest.approx(answer["current_expected_sales"] - cost * units)
    if answer["tax_rate"] is not None:
        assert answer["price_with_tax"] == pytest.approx(answer["optimal_price"])
        assert answer["price_without_tax"] == pytest.approx(answer["optimal_price"] * net)


@pytest.mark.parametrize("code", [TAXED, UNTAXED, IN_FAMILY])
@pytest.mark.parametrize("query", [{}, {"objective": "profit"}, {"unitprice_min": 0.01}, {"unit_cost": 0.05}])
@pytest.mark.parametrize("model", ["network", *REGISTRY])
def test_sales_and_profit_are_without_tax_whoever_answers(
    api: App, code: str, query: dict[str, Any], model: str
) -> None:
    answer = api({"stock_code": code, "model": model, **query})
    assert answer["model"] == model and (answer["tax_rate"] == RATE) == (code != UNTAXED)
    check(answer)


def test_the_price_list_says_the_same(api: App) -> None:
    answer, listed = api({"stock_code": TAXED}), api({"stock_code": TAXED, "model": "price_list"})
    for name in ("tax_rate", "price_without_tax", "price_with_tax", "profit_now", "profit", "expected_sales"):
        assert listed[name] == pytest.approx(answer[name])
    check(listed)


def test_the_curve_has_profit_where_a_cost_is_known(api: App) -> None:
    curve = api({"stock_code": TAXED})["curve"]
    cost = api({"stock_code": TAXED})["unit_cost"]
    for price, units, sales, profit in zip(
        *(curve[name] for name in ("unit_price", "quantity", "predicted_sales", "predicted_profit")), strict=True
    ):
        assert sales == pytest.approx(price / (1 + RATE) * units, abs=1e-3)
        assert profit == pytest.approx(sales - cost * units, abs=1e-3)


def test_without_a_cost_nothing_is_said_of_profit(api: App) -> None:
    answer = api({"stock_code": UNCOSTED})
    assert answer["profit"] is None and answer["profit_now"] is None and "predicted_profit" not in answer["curve"]
    asked = api({"stock_code": UNCOSTED, "unit_cost": 0.1})
    check(asked)


def test_best_for_profit_is_what_its_own_curve_says(api: App) -> None:
    """The marked best price is the top of the curve of profit, within a step of the grid."""
    answer = api({"stock_code": TAXED, "objective": "profit", "model": "lightgbm", "num_price_bins": 1000})
    curve = answer["curve"]
    inside = [
        (profit, price)
        for price, profit in zip(curve["unit_price"], curve["predicted_profit"], strict=True)
        if answer["guardrail_low"] <= price <= answer["guardrail_high"]
    ]
    highest = max(inside)[0]
    assert answer["profit"] >= highest - 0.01 * abs(highest)


def test_what_if_counts_sales_without_tax(api: App) -> None:
    row = api({"stock_code": TAXED, "model": "price_list"})
    found = api_what_if(api, {"stock_codes": [TAXED], "change": "0%"})
    assert found["sales_now"] == pytest.approx(row["current_expected_sales"], rel=0.05)
    assert found["profit_now"] == pytest.approx(row["profit_now"], rel=0.05)
    assert found["sales_now"] == pytest.approx(found["units_now"] * row["current_price"] / (1 + RATE))


def api_what_if(api: App, body: dict[str, Any]) -> dict[str, Any]:
    import json

    return dict(json.loads(api({"httpMethod": "POST", "path": "/v1/what-if", "body": json.dumps(body)})["body"]))
