"""The plan as a table: the price list's own numbers, each with its interval, and what was asked before."""

import json

import numpy as np
import pytest

from testing.synthetic_release import before_plans
from tests.hostile_release import bodies_of, write_unchecked
from tests.inference.conftest import Get
from tests.synthetic_shop import Shop


def test_the_plan_is_the_price_list_with_intervals_around_its_numbers(get: Get) -> None:
    _, listed = get("/v1/price-list")
    status, found = get("/v1/plan")
    assert status == 200 and found["release"] == listed["release"]
    for row, planned in zip(listed["prices"], found["plan"], strict=True):
        assert row.items() <= planned.items()
        assert planned["gain"] == pytest.approx(row["expected_sales"] - row["current_expected_sales"])
        assert planned["units_now"] * row["current_price"] == pytest.approx(row["current_expected_sales"])
        for name, value in (
            ("units_now", planned["units_now"]), ("units", row["expected_units"]), ("gain", planned["gain"]),
            ("sales_now", row["current_expected_sales"]), ("sales", row["expected_sales"]),
        ):  # fmt: skip
            assert planned[f"{name}_low"] - 1e-9 <= value <= planned[f"{name}_high"] + 1e-9, (name, row["stock_code"])


def test_a_price_that_stays_gains_exactly_nothing(get: Get) -> None:
    alone = [row for row in get("/v1/plan")[1]["plan"] if row["family"] is None]
    stays = [row for row in alone if row["optimal_price"] == row["current_price"]]
    assert stays and {(row["gain_low"], row["gain"], row["gain_high"]) for row in stays} == {(0, 0, 0)}


def test_pages_add_up_to_the_whole(get: Get) -> None:
    whole, pages, cursor = get("/v1/plan")[1]["plan"], [], ""
    while cursor is not None:
        _, page = get("/v1/plan", limit="7", cursor=cursor)
        pages += page["plan"]
        cursor = page["next_cursor"]
    assert pages == whole


def test_what_was_asked_before_counts_only_weeks_in_which_somebody_paid_it(shop: Shop) -> None:
    def history(arrays: dict) -> None:
        price = np.full(13, 1.0, dtype=np.float32)
        wanted = float(arrays["list_optimal_price"][1])
        price[[2, 5, 9]] = np.float32(wanted) * np.array([1.0, 1.015, 0.985], dtype=np.float32)
        arrays["history_price"][1], arrays["history_units"][1] = price, 3
        arrays["history_units"][1, 9] = 0

    shop.point(write_unchecked(shop.folder / "releases", bodies_of(history)))
    (row,) = json.loads(shop.app()({"httpMethod": "GET", "path": "/v1/plan", "queryStringParameters": {
        "limit": "1", "cursor": "20000A"}})["body"])["plan"]  # fmt: skip
    assert (row["asked_weeks"], row["asked_last"]) == (2, "2011-10-10")
    assert row["asked_nearest"] == round(row["optimal_price"], 2)


def test_a_release_without_a_plan_says_so(shop: Shop) -> None:
    from pricewright.release import write_bundle

    shop.point(write_bundle(shop.folder / "releases", **before_plans()).id)
    answer = shop.app()({"httpMethod": "GET", "path": "/v1/plan"})
    assert answer["statusCode"] == 409 and "before families" in answer["body"]


def test_the_shops_currency_and_locale_are_what_the_operator_set(shop: Shop) -> None:
    api = shop.app(currency="GBP", locale="en-GB")
    for path in ("/v1/plan", "/v1/health"):
        found = json.loads(api({"httpMethod": "GET", "path": path})["body"])
        assert (found["currency"], found["locale"]) == ("GBP", "en-GB")
