"""What if, asked of the API: a category, some SKUs or all of them, at other prices."""

import json
from typing import Any

import pytest

from inference.handler import App
from testing.synthetic_release import FAMILIES, before_plans
from tests.hostile_release import bodies_of, files_of, write_unchecked

TOTALS = {f"{name}{part}" for name in ("units", "sales", "profit") for part in ("", "_now", "_low", "_high")} | {
    *("costed", "sales_gain", "sales_gain_low", "sales_gain_high")
}


def ask(api: App, body: Any) -> tuple[int, dict[str, Any]]:
    text = body if isinstance(body, str) else json.dumps(body)
    answer = api({"httpMethod": "POST", "path": "/v1/what-if", "body": text})
    return answer["statusCode"], json.loads(answer["body"])


def test_a_category_that_gets_cheaper_sells_more_and_the_shop_less_more(api: App) -> None:
    status, found = ask(api, {"category": "MUGS", "change": "-10%"})
    assert status == 200
    assert found.keys() == TOTALS | {"release", "release_trouble", "skus", "changed", "outside_guardrail", "all"}
    assert found["all"].keys() == TOTALS
    assert (found["skus"], found["changed"]) == (len(FAMILIES["MUGS"]),) * 2
    assert found["units"] > found["units_now"] and found["units_low"] < found["units"] < found["units_high"]
    gained = found["units"] - found["units_now"]
    assert found["all"]["units"] - found["all"]["units_now"] == pytest.approx(gained), "it competes with no other"


def test_the_gain_has_an_interval_of_its_own(api: App) -> None:
    _, found = ask(api, {"category": "MUGS", "change": "-10%"})
    assert found["sales_gain"] == pytest.approx(found["sales"] - found["sales_now"])
    assert found["sales_gain_low"] < found["sales_gain"] < found["sales_gain_high"]
    assert found["sales_gain_high"] - found["sales_gain_low"] < found["sales_high"] - found["sales_low"]


def test_one_sku_of_a_family_takes_from_the_others(api: App) -> None:
    _, found = ask(api, {"stock_codes": ["20021"], "change": "-10%"})
    gained = found["units"] - found["units_now"]
    assert 0 < found["all"]["units"] - found["all"]["units_now"] < 0.9 * gained


def test_nothing_named_means_all_skus_and_what_is_named_twice_counts_once(api: App) -> None:
    _, found = ask(api, {"change": "+5%"})
    assert found["skus"] == 40 and {name: found[name] for name in TOTALS} == pytest.approx(found["all"])
    _, found = ask(api, {"category": "mugs", "stock_codes": ["20021", "20007", "20007"], "price": 1})
    assert found["skus"] == 5


def test_now_is_what_the_plan_says_of_now(api: App, listed_now: float) -> None:
    _, found = ask(api, {"change": "0%"})
    assert found["sales_now"] == pytest.approx(listed_now, rel=0.02), "other draws of the same posterior"
    assert found["sales"] == found["sales_now"] and found["changed"] == 0


def test_profit_is_that_of_the_skus_whose_cost_is_known_and_nothing_without_one(api: App, get) -> None:
    _, listed = get("/v1/price-list")
    rows = {row["stock_code"]: row for row in listed["prices"]}
    known = [row for row in rows.values() if row["unit_cost"] is not None]
    _, found = ask(api, {"change": "0%"})
    assert found["costed"] == len(known) < found["skus"]
    assert found["profit_now"] == pytest.approx(sum(row["profit_now"] for row in known), rel=0.02)
    code = next(code for code, row in rows.items() if row["unit_cost"] is None)
    _, found = ask(api, {"stock_codes": [code], "change": "-10%"})
    assert found["costed"] == 0 and found["profit"] is None and found["all"]["profit"] is not None


def test_a_price_at_cost_leaves_no_profit_and_half_of_it_loses(api: App, get) -> None:
    _, listed = get("/v1/price-list")
    row = next(row for row in listed["prices"] if row["unit_cost"] is not None and row["family"] is None)
    _, found = ask(api, {"stock_codes": [row["stock_code"]], "price": row["unit_cost"]})
    assert found["profit"] == pytest.approx(0.0, abs=1e-9) and found["profit_now"] > 0
    _, found = ask(api, {"stock_codes": [row["stock_code"]], "price": row["unit_cost"] / 2})
    assert found["profit_low"] < found["profit"] < found["profit_high"] < 0


@pytest.fixture
def listed_now(get) -> float:
    _, listed = get("/v1/price-list")
    return float(sum(row["current_expected_sales"] for row in listed["prices"]))


@pytest.mark.parametrize(
    ("body", "status", "word"),
    [
        ({"change": "-10"}, 422, "with the sign %"),
        ({"change": -0.1}, 422, "text in per cent"),
        ({"change": "-100%"}, 422, "above -100%"),
        ({"price": 0}, 422, "above 0"),
        ({"price": "3.99"}, 422, "a number"),
        ({"price": True}, 422, "a number"),
        ({"price": 10**400}, 422, "at most"),
        ({}, 422, "exactly one of them"),
        ({"price": 1, "change": "1%"}, 422, "exactly one of them"),
        ({"change": "1%", "stock_codes": []}, 422, "at least one SKU"),
        ({"change": "1%", "stock_codes": "20007"}, 422, "at least one SKU"),
        ({"change": "1%", "category": 3}, 422, "name of a category"),
        ({"change": "1%", "categories": "MUGS"}, 422, "not a parameter"),
        ({"change": "1%", "stock_codes": ["20007", "20008"]}, 404, "in no price list"),
        ({"change": "1%", "category": "MUG"}, 404, "there is MUGS"),
        ({"change": "1%", "category": "\0"}, 404, "there is"),
        ("{", 422, "a JSON object"),
        ("", 422, "a JSON object"),
    ],
)
def test_what_cannot_be_answered_says_why(api: App, body: Any, status: int, word: str) -> None:
    seen, content = ask(api, body)
    assert seen == status and word in json.dumps(content)


def test_too_many_skus_are_a_413(shop) -> None:
    body = {"stock_codes": ["1", "2", "3"], "change": "1%"}
    assert ask(shop.app(most_skus=2), body)[0] == 413


def test_a_release_from_before_there_were_plans_is_a_409_with_a_hint(shop) -> None:
    shop.point(write_unchecked(shop.folder / "releases", files_of(before_plans())))
    status, content = ask(shop.app(), {"change": "1%"})
    assert status == 409 and "before families" in content["detail"] and content["hint"]


def test_demand_that_makes_no_sense_is_a_503(shop) -> None:
    def spoil(arrays: dict[str, Any]) -> None:
        arrays["demand_level"] = arrays["demand_level"] * float("nan")

    shop.point(write_unchecked(shop.folder / "releases", bodies_of(spoil)))
    assert ask(shop.app(), {"change": "1%"})[0] == 503
