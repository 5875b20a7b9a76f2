"""A release whose plan keeps to rules: every price asked of the API keeps to those of its item."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from inference.handler import App
from testing.synthetic_release import FAMILIES
from tests.pricewright.rules.small_shop import rules
from tests.synthetic_shop import Shop

ROOT = Path(__file__).parents[2]


def code(number: int) -> str:
    return f"{20000 + 7 * number}{'A' if number % 5 == 0 else ''}"


LANTERNS = [code(number) for number in FAMILIES["LANTERNS"]]
HIGH, FROZEN, NEAR = LANTERNS[0], code(20), code(22)
RULES = rules(
    {"name": "quiet", "kind": "frozen", "where": {"sku": FROZEN}},
    {"name": "dear", "kind": "floor", "price": 30, "where": {"sku": HIGH}},
    {"name": "ends", "kind": "endings", "endings": [0.95, 0.45]},
    {"name": "worth it", "kind": "smallest_step", "at_least": "4%"},
    {"name": "lanterns in order", "kind": "order", "where": {"sku": LANTERNS[1]}, "under": {"sku": LANTERNS[2]}},
)


@pytest.fixture(scope="module")
def ruled(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    shop = Shop(tmp_path_factory.mktemp("ruled"))
    shop.point(shop.write(rules=RULES))
    return shop


@pytest.fixture(scope="module")
def ask(ruled: Shop) -> App:
    return ruled.app()


@pytest.fixture(scope="module")
def listed(ruled: Shop) -> pl.DataFrame:
    (path,) = (ruled.folder / "releases").glob("*/price_list.parquet")
    return pl.read_parquet(path)


def keeps(answer: dict[str, Any]) -> bool:
    price, current = answer["optimal_price"], answer["current_price"]
    if price == current:
        return answer["stock_code"] != HIGH
    ended = round(price * 100) % 100 in (95, 45)
    return ended and abs(price / current - 1) >= 0.04 - 1e-9 and answer["stock_code"] != FROZEN


def test_the_api_says_what_the_price_list_says_with_the_rules_that_bind(ask: App, listed: pl.DataFrame) -> None:
    for row in listed.to_dicts():
        answer = ask({"stock_code": row["stock_code"]})
        assert (answer["optimal_price"], answer["reason"]) == (pytest.approx(row["optimal_price"]), row["reason"])
    bound = {row["stock_code"]: row["reason"] for row in listed.to_dicts() if "bound by" in row["reason"]}
    assert "; bound by dear" in bound[HIGH]
    assert len(bound) > 5


@pytest.mark.parametrize("model", ["network", "lightgbm", "svr", "elastic_net"])
def test_a_price_that_the_plan_did_not_choose_keeps_to_the_rules_of_its_item(
    ask: App, listed: pl.DataFrame, model: str
) -> None:
    for row in listed.to_dicts():
        low, high = row["guardrail_low"], row["guardrail_high"]
        asked = {"stock_code": row["stock_code"], "model": model, "unitprice_max": low + 0.6 * (high - low)}
        if low < high:
            answer = ask(asked)
            assert keeps(answer), (answer["stock_code"], answer["current_price"], answer["optimal_price"])


def test_rules_between_items_are_not_judged_for_a_single_price_and_that_is_reported(ask: App) -> None:
    answer = ask({"stock_code": LANTERNS[1], "unit_cost": 0.1, "objective": "profit"})
    assert answer["reason"].endswith("; rules between items are not judged for a single price: lanterns in order")
    assert "not judged" not in ask({"stock_code": LANTERNS[1]})["reason"]
    assert "not judged" not in ask({"stock_code": LANTERNS[3], "unit_cost": 0.1, "objective": "profit"})["reason"]


def test_a_frozen_price_stays_whatever_is_asked(ask: App) -> None:
    answer = ask({"stock_code": FROZEN, "objective": "sales", "num_price_bins": 5})
    assert answer["optimal_price"] == answer["current_price"] == answer["guardrail_low"] == answer["guardrail_high"]


def test_another_price_beyond_the_limits_is_counted(ask: App) -> None:
    body = json.dumps({"stock_codes": [HIGH], "price": 29.0})
    reply = ask({"httpMethod": "POST", "path": "/v1/what-if", "body": body})
    assert json.loads(reply["body"])["outside_guardrail"] == 1


def scenario(ask: App, prices: Any) -> tuple[int, dict[str, Any]]:
    reply = ask({"httpMethod": "POST", "path": "/v1/what-if", "body": json.dumps({"prices": prices})})
    return reply["statusCode"], json.loads(reply["body"])


def test_a_list_of_prices_comes_to_totals_by_category_and_the_rules_it_breaks(ask: App, listed: pl.DataFrame) -> None:
    rows = [{"stock_code": row["stock_code"], "price": row["optimal_price"]} for row in listed.to_dicts()]
    status, found = scenario(ask, rows)
    assert status == 200 and (found["skus"], found["breaks_count"]) == (40, 0)
    assert found["sales"] == pytest.approx(sum(one["sales"] for one in found["by_category"].values()))
    described = json.loads((ROOT / "inference" / "openapi.json").read_text())["components"]["schemas"]
    added = described["Scenario"]["allOf"][1]["properties"].keys()
    assert found.keys() == (described["WhatIf"]["properties"].keys() | added) - {"by_zone"}
    assert found["by_category"]["LANTERNS"]["skus"] == len(LANTERNS) and "by_zone" not in found
    current = listed.filter(pl.col("stock_code") == NEAR)["current_price"][0]
    _, found = scenario(
        ask, [{"stock_code": NEAR, "price": round(current + 0.01, 2)}, {"stock_code": HIGH, "price": 9}]
    )
    broken = {(one["stock_code"], one["rule"]) for one in found["breaks"]}
    assert {(NEAR, "smallest_step"), (HIGH, "guardrail"), (HIGH, "endings")} <= broken


@pytest.mark.parametrize(
    ("prices", "status", "word"),
    [
        ([], 422, "a list"),
        ([{"stock_code": "20007"}], 422, "price"),
        ([{"stock_code": "20007", "price": -1}], 422, "above 0"),
        ([{"stock_code": "20007", "price": 1}, {"stock_code": "20007", "price": 2}], 422, "one price per item"),
        ([{"stock_code": "nobody", "price": 1}], 404, "in no price list"),
    ],
)
def test_a_list_of_prices_that_cannot_be_answered_says_why(ask: App, prices: Any, status: int, word: str) -> None:
    code, found = scenario(ask, prices)
    assert code == status and word in json.dumps(found)
