"""Paths lead to their route, whatever a stock code holds."""

from urllib.parse import quote

import pytest

from inference.api import find_route
from pricewright.core.item import Item

ODD = ("AB/12", "AB 12", "a:b", "50%", "a?b&c=d", "x*90", "日本-1", "..", "-5", "#77", "a/b/c")


@pytest.mark.parametrize("code", ODD)
@pytest.mark.parametrize("decoded", [True, False], ids=["decoded by the gateway", "as it was sent"])
def test_an_odd_stock_code_is_found_in_its_path(code: str, decoded: bool) -> None:
    route, given, _ = find_route("GET", f"/v1/predict-price/{code if decoded else quote(code, safe='')}")
    assert route is not None and route.name == "price"
    assert given.keys() == {"stock_code"} and Item.from_path(given["stock_code"]) == Item(code)


@pytest.mark.parametrize("path", ["/v1/predict-price", "/v1/predict-price/", "/v1/skus/7", "/v1", "/"])
def test_a_path_without_its_parameter_or_with_one_too_many_is_no_route(path: str) -> None:
    assert find_route("GET", path)[0] is None


def test_another_method_is_answered_with_the_one_there_is() -> None:
    assert find_route("DELETE", "/v1/sales/AB/12") == (None, {}, ["GET"])
