"""What one request can cost: memory, bytes of a reply, threads; and numbers as people type them."""

import csv
import io
import json
import re
import threading
import time
import tracemalloc
from typing import Any

import pytest

from inference.handler import App
from inference.session import MOST_LATE, Workers
from pricewright.core.errors import ModelError
from tests.synthetic_shop import Shop

LONG = 1_000_000


def rest(path: str, method: str = "GET", body: Any = None, **query: str) -> dict[str, Any]:
    sent = None if body is None else json.dumps(body)
    return {"httpMethod": method, "path": path, "queryStringParameters": query or None, "body": sent}


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    made = Shop(tmp_path_factory.mktemp("large"))
    made.point(made.write(skus=900))
    return made


@pytest.mark.parametrize(
    "event",
    [
        rest("/v1/predict-price/" + "%41" * LONG),
        rest("/v1/sales/" + "%F0%9F%8D%8B" * (LONG // 4)),
        {"stock_code": "🍋" * LONG},
        {"stock_codes": ["🍋" * LONG]},
        rest("/v1/skus", search="A" * LONG),
        rest("/v1/skus", cursor="A" * LONG),
        rest("/v1/skus", limit="1" * LONG),
        rest("/v1/price-list", format="A" * LONG),
        rest("/v1/price-list", limit="5", cursor="A" * LONG),
        rest("/v1/predict-price/20007", **{"A" * LONG: "1"}),
        rest("/v1/what-if", "POST", {"change": "-10%", "category": "A" * LONG}),
    ],
)
def test_a_text_of_a_million_characters_is_refused_at_once(api: App, event: dict[str, Any]) -> None:
    api({"stock_code": "20007"})
    tracemalloc.start()
    try:
        reply = api(event)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert 400 <= reply.get("statusCode", reply.get("status")) < 500
    assert len(json.dumps(reply)) < 4000, "what was sent is not sent back"
    assert peak < 16 * LONG, "the body itself has 4 MB as text and as JSON"


def test_a_long_price_list_comes_in_pages_that_hold_every_sku_once(large: Shop) -> None:
    api, codes, cursor = large.app(), [], ""
    whole = json.loads(api(rest("/v1/price-list"))["body"])
    while cursor is not None:
        page = json.loads(api(rest("/v1/price-list", limit="250", cursor=cursor))["body"])
        assert page["release"] == whole["release"] and len(page["prices"]) <= 250
        codes += page["prices"]
        cursor = page["next_cursor"]
    assert codes == whole["prices"] and len(codes) == 900
    assert whole["next_cursor"] is None


def test_the_pages_of_the_csv_put_together_are_the_file(large: Shop) -> None:
    api = large.app()
    whole = list(csv.reader(io.StringIO(api(rest("/v1/price-list", format="csv"))["body"])))
    rows, path = [], "/v1/price-list"
    query = {"format": "csv", "limit": "400"}
    while query:
        reply = api(rest(path, **query))
        page = list(csv.reader(io.StringIO(reply["body"])))
        assert page[0] == whole[0]
        rows += page[1:]
        following = re.fullmatch(r'<\?(.*)>; rel="next"', reply["headers"].get("link", ""))
        query = dict(pair.split("=") for pair in following[1].split("&")) if following else {}
    assert rows == whole[1:]


def test_every_row_of_a_page_is_the_skus_own_row(large: Shop) -> None:
    api = large.app()
    listed = json.loads(api(rest("/v1/price-list", limit="7", cursor="20700"))["body"])["prices"]
    alone = json.loads(api(rest("/v1/skus", limit="7", cursor="20700"))["body"])["skus"]
    assert listed == alone and len(listed) == 7


def test_no_reply_is_larger_than_lambda_sends(large: Shop) -> None:
    """Inside Lambda's own JSON each quote of the body becomes two bytes."""
    whole = large.app()(rest("/v1/price-list"))
    inside, sent = len(whole["body"]), len(json.dumps(whole))
    assert sent > 1.05 * inside
    refused = large.app(most_bytes=(inside + sent) // 2)(rest("/v1/price-list"))
    assert refused["statusCode"] == 413 and "limit" in json.loads(refused["body"])["hint"]
    codes = [row["stock_code"] for row in json.loads(whole["body"])["prices"]]
    for event in (rest("/v1/prices", "POST", {"stock_codes": codes}), {"stock_codes": codes}):
        reply = large.app(most_bytes=100_000)(event)
        assert reply.get("statusCode", reply.get("status")) == 413
        assert len(json.dumps(reply)) < 1000


@pytest.mark.parametrize("digits", ["12", "１２", " 12 ", "12.0", "1.2e1"])
def test_digits_are_taken_alike_in_every_parameter(api: App, digits: str) -> None:
    assert len(json.loads(api(rest("/v1/skus", limit=digits))["body"])["skus"]) == 12
    assert len(json.loads(api(rest("/v1/price-list", limit=digits))["body"])["prices"]) == 12
    priced = json.loads(api(rest("/v1/predict-price/20007", num_price_bins=digits))["body"])
    assert len(priced["curve"]["unit_price"]) == 12
    asked = rest("/v1/what-if", "POST", {"change": f"-{digits.strip().removesuffix('.0').replace('1.2e1', '12')}%"})
    assert api(asked)["statusCode"] == 200


@pytest.mark.parametrize("wrong", ["1_0", "", "0x10", "١_٢", "nan", "-1", "1e9", "二"])
def test_what_is_no_number_is_none_anywhere(api: App, wrong: str) -> None:
    for path, name in (
        ("/v1/skus", "limit"),
        ("/v1/price-list", "limit"),
        ("/v1/predict-price/20007", "num_price_bins"),
    ):
        status = api(rest(path, **{name: wrong}))["statusCode"]
        assert status == (422 if wrong else 200), path


def test_time_outs_leave_no_threads_and_are_few_at_a_time() -> None:
    release, workers = threading.Event(), Workers(0.01)
    before = threading.active_count()
    for _ in range(40):
        with pytest.raises(ModelError, match=r"no answer within|calls still run"):
            workers.do(release.wait, lambda: None)
    assert threading.active_count() - before <= MOST_LATE
    release.set()
    until = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < until:
        time.sleep(0.01)
    assert threading.active_count() == before
    assert workers.do(lambda: 7, lambda: None) == 7
