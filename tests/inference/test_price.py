"""The price API says what the price list says, and what is asked beyond it stays within the guardrail."""

import json
from typing import Any

import numpy as np
import polars as pl
import pytest

from inference.handler import App
from pricewright.price_list import ADDED, COLUMNS
from testing.synthetic_release import FAMILIES, UNINFORMED, before_plans
from tests.hostile_release import files_of, write_unchecked

BINS = (10, 20, 50, 200)  # prices of the curve


@pytest.fixture(scope="module")
def listed(steady) -> list[dict[str, Any]]:
    (path,) = (steady.folder / "releases").glob("*/price_list.parquet")
    return pl.read_parquet(path).to_dicts()


def test_with_nothing_asked_every_sku_gets_the_price_of_the_price_list(api: App, listed: list[dict[str, Any]]) -> None:
    for row in listed:
        answer = api({"stock_code": row["stock_code"]})
        for column in (*COLUMNS, *ADDED):
            expected = pytest.approx(row[column], rel=1e-6) if isinstance(row[column], float) else row[column]
            assert answer[column] == expected, (row["stock_code"], column)
        assert answer["fallbacks"] == []


def code(number: int) -> str:
    """The stock code of a SKU of the synthetic release."""
    return f"{20000 + 7 * number}{'A' if number % 5 == 0 else ''}"


def test_the_plan_decides_whatever_does_not_change_the_decision(api: App) -> None:
    """More prices on the curve, a wider range, the release's own objective, a cost that sales do not look at."""
    sku = code(FAMILIES["MUGS"][0])
    plain = api({"stock_code": sku})
    wide = {"unitprice_min": plain["guardrail_low"] / 2, "unitprice_max": plain["guardrail_high"] * 2}
    for asked in ({"num_price_bins": 9}, {"objective": "sales"}, {"unit_cost": 0.5}, wide):
        answer = api({"stock_code": sku} | asked)
        for name in ("optimal_price", "expected_units", "sales_uplift", "reason", "promised_low", "promised_high"):
            assert answer[name] == plain[name], (asked, name)
    assert plain["family"] == "MUGS" and plain["promised_low"] <= plain["promised_high"]


def test_the_units_of_the_plan_lie_within_their_interval(api: App) -> None:
    for number in (0, *FAMILIES["LANTERNS"]):
        answer = api({"stock_code": code(number)})
        assert answer["expected_units_low"] <= answer["expected_units"] <= answer["expected_units_high"]


def all_sales(api: App, sku: str, price: float) -> float:
    """Sales of the whole shop when a SKU costs so much."""
    body = json.dumps({"stock_codes": [sku], "price": price})
    answer = api({"httpMethod": "POST", "path": "/v1/what-if", "body": body})
    return float(json.loads(answer["body"])["all"]["sales"])


def test_what_is_asked_beyond_the_plan_is_decided_for_the_whole_family(api: App) -> None:
    moved = 0
    for number in [index for indices in FAMILIES.values() for index in indices]:
        plain = api({"stock_code": code(number), "model": "lightgbm"})
        narrow = {"unitprice_min": plain["guardrail_low"] * 1.05, "unitprice_max": plain["guardrail_high"]}
        answer = api({"stock_code": code(number)} | narrow)
        assert answer["promised_low"] is None and answer["model"] == "network"
        curve = answer["curve"]
        own_best = curve["unit_price"][int(np.argmax(curve["predicted_sales"]))]
        chosen = all_sales(api, code(number), answer["optimal_price"])
        assert chosen >= all_sales(api, code(number), answer["current_price"])
        if answer["moved"]:
            moved += 1
            assert narrow["unitprice_min"] <= answer["optimal_price"] <= narrow["unitprice_max"]
            assert chosen >= all_sales(api, code(number), own_best) * (1 - 1e-4)
    assert moved >= 3


def test_a_sku_about_which_the_sales_say_too_little_keeps_its_price_whatever_is_asked(api: App) -> None:
    for number in UNINFORMED:
        current = api({"stock_code": code(number)})["current_price"]
        for asked in ({}, {"unitprice_max": current * 1.05}, {"objective": "profit", "unit_cost": 2 * current}):
            answer = api({"stock_code": code(number)} | asked)
            assert not answer["moved"] and "say too little" in answer["reason"], asked


def test_backups_answer_by_their_own_curve_and_name_the_family(api: App) -> None:
    answer = api({"stock_code": code(FAMILIES["MUGS"][1]), "model": "svr"})
    assert (answer["family"], answer["promised_low"], answer["promised_high"]) == ("MUGS", None, None)


def test_a_release_from_before_there_were_plans_is_answered_by_its_network(shop) -> None:
    shop.point(write_unchecked(shop.folder / "releases", files_of(before_plans())))
    api = shop.app()
    for number in (1, 3):
        answer = api({"stock_code": code(number)})
        assert (answer["model"], answer["family"], answer["promised_low"]) == ("network", None, None)
        listed = api({"stock_code": code(number), "model": "price_list"})
        assert answer.keys() | {"ignored"} == listed.keys() and listed["family"] is None


def test_many_at_once_get_the_same_prices(api: App, listed: list[dict[str, Any]]) -> None:
    answer = api({"stock_codes": [row["stock_code"] for row in listed]})
    assert [row["optimal_price"] for row in answer["prices"]] == pytest.approx([row["optimal_price"] for row in listed])
    assert "curve" not in answer["prices"][0] and answer["unknown"] == []


@pytest.mark.parametrize("model", ["network", "lightgbm", "svr", "elastic_net"])
def test_the_curve_of_every_model_falls_within_its_interval(api: App, model: str) -> None:
    answer = api({"stock_code": "20007", "num_price_bins": 100, "model": model})
    curve = {name: np.array(values) for name, values in answer["curve"].items()}
    assert answer["model"] == model
    assert {len(values) for values in curve.values()} == {100}
    assert (np.diff(curve["unit_price"]) > 0).all() and (np.diff(curve["quantity"]) <= 0).all()
    assert (curve["quantity_min"] <= curve["quantity"]).all() and (curve["quantity"] <= curve["quantity_max"]).all()
    np.testing.assert_allclose(curve["predicted_sales"], curve["unit_price"] * curve["quantity"], rtol=1e-4)


@pytest.mark.parametrize("model", ["network", "svr"])
@pytest.mark.parametrize("narrowed", [{}, {"unitprice_min": 0.8, "unitprice_max": 1.2}])
def test_what_is_drawn_does_not_decide(
    api: App, listed: list[dict[str, Any]], model: str, narrowed: dict[str, float]
) -> None:
    """For profit, so that the best price of some SKUs lies between the ends of their guardrail."""
    inside = 0
    for row in listed:
        asked = {name: share * row["current_price"] for name, share in (narrowed | {"unit_cost": 0.45}).items()}
        asked |= {"stock_code": row["stock_code"], "objective": "profit", "model": model}
        answers = [api(asked | {"num_price_bins": bins}) for bins in BINS]
        assert [len(answer["curve"]["unit_price"]) for answer in answers] == list(BINS)
        assert len({(answer["optimal_price"], answer["sales_uplift"], answer["reason"]) for answer in answers}) == 1
        inside += answers[0]["moved"] and "guardrail ends here" not in answers[0]["reason"]
    assert inside >= 3


def test_a_backup_has_no_posterior_and_says_so(api: App) -> None:
    answer = api({"stock_code": "20007", "model": "svr"})
    assert answer["uplift_probability"] is None
    assert answer["elasticity_low"] is None and answer["elasticity"] == pytest.approx(-1.5, abs=0.2)


def test_the_curve_spans_the_range_asked_for_and_the_price_stays_within_the_guardrail(api: App) -> None:
    answer = api({"stock_code": "20007", "unitprice_min": 0.5, "unitprice_max": 50, "num_price_bins": 200})
    assert (answer["curve"]["unit_price"][0], answer["curve"]["unit_price"][-1]) == (0.5, 50)
    assert answer["guardrail_low"] <= answer["optimal_price"] <= answer["guardrail_high"]


def test_a_narrow_range_keeps_the_recommendation_within_it(api: App) -> None:
    plain = api({"stock_code": "20007"})
    low, high = plain["current_price"], plain["guardrail_high"]
    answer = api({"stock_code": "20007", "unitprice_min": low, "unitprice_max": high})
    assert low <= answer["optimal_price"] <= high


def test_profit_needs_a_cost_and_asks_a_higher_price_the_higher_it_is(api: App) -> None:
    prices = [
        api({"stock_code": "20007", "objective": "profit", "unit_cost": cost, "num_price_bins": 200})["optimal_price"]
        for cost in (0.0, 1.0, 2.5)
    ]
    assert prices == sorted(prices) and prices[0] < prices[-1]
    assert prices[0] == pytest.approx(api({"stock_code": "20007", "num_price_bins": 200})["optimal_price"])
    refused = api({"stock_code": "20000A", "objective": "profit"})
    assert refused["status"] == 422 and refused["errors"][0]["parameter"] == "objective"
    assert "predicted_profit" in api({"stock_code": "20000A", "objective": "profit", "unit_cost": 0.2})["curve"]


def test_a_release_that_asks_for_profit_prices_skus_without_cost_for_sales(shop) -> None:
    release = shop.write(objective="profit")
    shop.point(release)
    listed = pl.read_parquet(shop.folder / "releases" / release / "price_list.parquet").to_dicts()
    api = shop.app()
    for row in listed:
        answer = api({"stock_code": row["stock_code"]})
        assert answer["optimal_price"] == pytest.approx(row["optimal_price"], rel=1e-6)
        assert answer["reason"] == row["reason"]


def test_prices_end_as_the_release_says(shop) -> None:
    shop.point(shop.write(endings=[0.99, 0.49]))
    answers = shop.app()({"stock_codes": [f"{20000 + 7 * i}" for i in range(40) if i % 5]})["prices"]
    moved = [answer["optimal_price"] for answer in answers if answer["moved"]]
    assert moved and all(round(price % 1, 2) in (0.99, 0.49) for price in moved)


def test_the_case_of_a_code_does_not_matter(api: App) -> None:
    assert api({"stock_code": "20000a"})["stock_code"] == "20000A"


def test_the_same_question_is_answered_from_memory_and_alike(shop) -> None:
    api = shop.app()
    first, second = (api({"stock_code": "20007"}) for _ in range(2))
    assert (first.pop("cache"), second.pop("cache")) == ("miss", "memory")
    assert first == second
    assert json.loads(shop.log[-1])["cache"] == "memory"
