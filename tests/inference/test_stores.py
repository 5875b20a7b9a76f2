"""A chain whose prices differ by zone: every way to name a store leads to the price of its zone."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from inference.handler import App
from tests.synthetic_shop import Shop

ZONES = {"1": "North", "2": "North", "3": "South", "Café": "Café"}
CODES = [f"{20000 + sku}@{zone}" for sku in range(12) for zone in dict.fromkeys(ZONES.values())]
Get = Callable[..., tuple[int, Any]]


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> App:
    shop = Shop(tmp_path_factory.mktemp("chain"))
    shop.point(shop.write(codes=[*CODES, "30000"], zones=ZONES))
    return shop.app()


@pytest.fixture(scope="module")
def ask(chain: App) -> Get:
    def send(path: str, body: Any = None, **query: str) -> tuple[int, Any]:
        event = {"httpMethod": "POST" if body else "GET", "path": path, "queryStringParameters": query or None}
        reply = chain(event | ({"body": json.dumps(body)} if body else {}))
        return reply["statusCode"], json.loads(reply["body"])

    return send


@pytest.mark.parametrize(("store", "zone"), [("North", "North"), ("2", "North"), ("south", "South"), ("Café", "Café")])
def test_a_store_has_the_price_of_its_zone(ask: Get, store: str, zone: str) -> None:
    status, found = ask("/v1/predict-price/20003", store=store)
    assert (status, found["stock_code"], found["store"], found["model"]) == (200, "20003", zone, "network")


def test_the_item_can_be_written_as_one_text(ask: Get, chain: App) -> None:
    wanted = ask("/v1/predict-price/20003", store="South")[1]["optimal_price"]
    assert ask("/v1/predict-price/20003@3")[1]["optimal_price"] == wanted
    assert ask("/v1/predict-price/20003%403")[1]["optimal_price"] == wanted
    assert chain({"stock_code": "20003", "store": "3"})["optimal_price"] == wanted
    assert chain({"stock_code": "20003@South"})["optimal_price"] == wanted


def test_without_a_store_some_are_named(ask: Get) -> None:
    status, found = ask("/v1/predict-price/20003")
    assert status == 404
    assert found["detail"] == "SKU '20003' has a price in each store: name one of 1, 2, 3, Café."
    assert "GET /v1/stores" in found["hint"]


def test_a_store_that_nobody_knows_is_reported(ask: Get) -> None:
    status, found = ask("/v1/predict-price/20003", store="West")
    assert status == 404 and found["detail"] == "store 'West' is in no price list; there are 1, 2, 3, Café."


def test_an_item_of_no_store_needs_none(ask: Get) -> None:
    status, found = ask("/v1/predict-price/30000")
    assert (status, found["store"]) == (200, None)


def test_a_store_that_no_item_can_have_is_refused(ask: Get) -> None:
    assert ask("/v1/predict-price/20003", store="a@b")[0] == 400


def test_the_stores_are_listed_with_their_zones(ask: Get) -> None:
    status, found = ask("/v1/stores")
    assert status == 200
    assert {"store": "2", "zone": "North", "skus": 12} in found["stores"]
    assert [each["store"] for each in found["stores"]] == sorted(ZONES)


def test_a_shop_without_stores_lists_none_and_its_categories(get: Get) -> None:
    assert get("/v1/stores")[1]["stores"] == []
    assert "MUGS" in [each["category"] for each in get("/v1/categories")[1]["categories"]]
    status, found = get("/v1/skus", store="1")
    assert status == 404 and found["detail"] == "store '1' is in no price list: all stores have one price."


def test_many_prices_are_asked_for_in_one_store_or_each_in_its_own(ask: Get) -> None:
    status, found = ask("/v1/prices", {"stock_codes": ["20001", "20002"], "store": "1"})
    assert [(each["stock_code"], each["store"]) for each in found["prices"]] == [("20001", "North"), ("20002", "North")]
    named = [{"stock_code": "20001", "store": "3"}, {"stock_code": "20001", "store": "2"}, {"stock_code": "no"}]
    status, found = ask("/v1/prices", {"items": named, "stock_codes": ["20005@Café"]})
    assert status == 200
    assert [each["store"] for each in found["prices"]] == ["Café", "South", "North"]
    assert [(each["stock_code"], each["store"]) for each in found["unknown"]] == [("no", None)]


@pytest.mark.parametrize(
    "body",
    [
        {"items": [{"code": "20001"}]},
        {"items": "20001"},
        {"items": [{"stock_code": "1", "zone": "x"}]},
        {"stock_codes": ["1"], "store": 3},
    ],
)
def test_items_that_are_none_are_reported(ask: Get, body: dict[str, Any]) -> None:
    status, found = ask("/v1/prices", body)
    assert status == 422 and found["errors"][0]["parameter"] in ("items", "store")


def test_what_if_looks_at_one_zone(ask: Get) -> None:
    status, found = ask("/v1/what-if", {"store": "1", "change": "-10%"})
    assert (status, found["skus"]) == (200, 12)
    one = ask("/v1/what-if", {"items": [{"stock_code": "20001", "store": "1"}], "change": "-10%"})[1]
    both = ask("/v1/what-if", {"stock_codes": ["20001@North", "20001@South"], "change": "-10%"})[1]
    assert (one["skus"], both["skus"]) == (1, 2)
    assert ask("/v1/what-if", {"change": "-10%"})[1]["skus"] == len(CODES) + 1


def test_the_skus_of_a_store_are_paged(ask: Get) -> None:
    page = ask("/v1/skus", store="2", limit="7")[1]
    rest = ask("/v1/skus", store="2", cursor=page["next_cursor"])[1]
    found = [*page["skus"], *rest["skus"]]
    assert page["count"] == 12 and [each["stock_code"] for each in found] == [f"{20000 + sku}" for sku in range(12)]
    assert {each["store"] for each in found} == {"North"}


def test_the_price_list_and_the_history_name_code_and_store_apart(ask: Get, chain: App) -> None:
    rows = ask("/v1/price-list")[1]["prices"]
    assert {"stock_code": "20000", "store": "South"}.items() <= rows[2].items()
    text = chain({"httpMethod": "GET", "path": "/v1/price-list", "queryStringParameters": {"format": "csv"}})["body"]
    assert "store" in text.splitlines()[0].split(",")
    found = ask("/v1/sales/20000", store="3")[1]
    assert (found["stock_code"], found["store"]) == ("20000", "South")


def test_a_release_whose_items_are_of_other_stores_is_refused(tmp_path: Path) -> None:
    from pricewright.core.errors import ReleaseError
    from pricewright.release import write_bundle
    from testing.synthetic_release import contents

    made = contents(codes=CODES, zones=ZONES)
    made["catalog_arrays"]["store"] = made["catalog_arrays"]["store"][::-1].copy()
    with pytest.raises(ReleaseError, match="is not of the store"):
        write_bundle(tmp_path, **made)
