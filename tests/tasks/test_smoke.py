"""The smoke test of a release believes no price but that of the list, no other release, and no stand-in."""

from io import BytesIO
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from blocks.lake import Lake
from pricewright.core.errors import ReleaseError
from tasks.smoke import PriceApi, compare_prices, compare_sample

RELEASE = "2011-W48-0a1b2c3d"
ROWS = [{"stock_code": code, "optimal_price": price, "model": "network"} for code, price in (("A", 2.5), ("B", 4.0))]


class Answering(PriceApi):
    """An API whose list is ROWS, and whose answers differ from it as the test says, for the last SKU alone."""

    def __init__(self, **other: Any) -> None:
        self._other = other

    def skus(self, limit: int) -> list[dict[str, Any]]:
        return ROWS[:limit]

    def price(self, item: Any, **query: Any) -> dict[str, Any]:
        row = next(row for row in ROWS if row["stock_code"] == item.stock_code)
        answer = row | {"release": RELEASE, "fallbacks": []}
        return answer | self._other if row is ROWS[-1] else answer

    def prices(self, items: Any) -> list[dict[str, Any]]:
        return [self.price(item) for item in items if not self._other.get("mute") or item.stock_code == "A"]


def test_answers_as_the_list_has_them_pass() -> None:
    compare_prices(Answering(), RELEASE, 2)
    compare_prices(Answering(optimal_price=4.0 * (1 + 1e-9)), RELEASE, 2)


OTHERS = pytest.mark.parametrize(
    "other",
    [
        {"optimal_price": 4.01},
        {"optimal_price": 3.99},
        {"optimal_price": 4.0 * (1 + 1e-5)},
        {"optimal_price": float("nan")},
        {"release": "2011-W47-00000000"},
        {"model": "svr"},
        {"fallbacks": [{"model": "network", "why": "rests"}]},
    ],
)


@OTHERS
def test_an_answer_that_differs_from_the_list_fails_the_release(other: dict[str, Any]) -> None:
    with pytest.raises(ReleaseError, match="SKU B"):
        compare_prices(Answering(**other), RELEASE, 2)
    compare_prices(Answering(**other), RELEASE, 1)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """A lake that holds the list of the release."""
    made, body = Lake(str(tmp_path / "lake")), BytesIO()
    pl.DataFrame(ROWS).write_parquet(body)
    made.write_new(f"releases/{RELEASE}/price_list.parquet", body.getvalue())
    return made


def test_a_sample_of_all_skus_as_the_list_has_them_passes(lake: Lake) -> None:
    compare_sample(Answering(), lake, RELEASE, 2)
    compare_sample(Answering(), lake, RELEASE, 50)


@OTHERS
def test_an_answer_of_the_sample_that_differs_from_the_list_fails_the_release(
    lake: Lake, other: dict[str, Any]
) -> None:
    with pytest.raises(ReleaseError, match="SKU B"):
        compare_sample(Answering(**other), lake, RELEASE, 2)


def test_a_sku_of_the_sample_without_an_answer_fails_the_release(lake: Lake) -> None:
    with pytest.raises(ReleaseError, match="SKU B: the API has no answer"):
        compare_sample(Answering(mute=True), lake, RELEASE, 2)
