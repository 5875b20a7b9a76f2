"""The stock file: what was on the shelf, by store, product and day or week."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from pricewright.core.errors import SourceError
from pricewright.ingest.stock import read_stock

PARAMS: dict[str, Any] = yaml.safe_load((Path(__file__).parents[3] / "params.yaml").read_text())["ingest"]
MONDAY = date(2024, 1, 1)
Read = Callable[..., tuple[pl.DataFrame, dict[str, Any]]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def file(text: str, **asked: str) -> tuple[pl.DataFrame, dict[str, Any]]:
        (tmp_path / "stock.csv").write_text(text)
        return read_stock(tmp_path / "stock.csv", PARAMS, asked)

    return file


def test_units_flags_and_words_say_on_which_share_of_the_days_a_store_had_none(read: Read) -> None:
    shares, counts = read(
        "Store,SKU,Date,In Stock\n1,A,2024-01-01,0\n1,A,2024-01-02,12\n1,A,2024-01-03,0\n"
        "2,A,2024-01-07,yes\n1,B,2024-01-08,no\n"
    )
    assert shares.rows() == [
        ("A", "1", MONDAY, pytest.approx(2 / 3)), ("A", "2", MONDAY, 0.0), ("B", "1", date(2024, 1, 8), 1.0),
    ]  # fmt: skip
    assert counts == {"rows": 5}


def test_weeks_and_a_shop_without_stores_will_do(read: Read) -> None:
    shares, _ = read("Artikel;Week;Bestand\nA;2024-W02;1,5\nA;2024-W03;0\n", stock_code="Artikel", in_stock="Bestand")
    assert shares.select("stock_code", "store", "week", "out_share").rows() == [
        ("A", None, date(2024, 1, 8), 0.0), ("A", None, date(2024, 1, 15), 1.0),
    ]  # fmt: skip


def test_units_below_zero_say_nothing_and_are_counted_with_their_line(read: Read) -> None:
    shares, counts = read("SKU,Date,In Stock\nA,2024-01-01,3\nA,2024-01-02,-2\nB,2024-01-02,-7\n")
    assert shares.rows() == [("A", None, MONDAY, 0.0)]
    assert counts == {"rows": 1, "negative": "2 rows (first: row 3, '-2')"}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (
            "SKU,Date,In Stock\nA,2024-01-01,1\nA,2024-01-02,some\n",
            r"in_stock is 'some' in row 3 \(1 such rows\).*units on",
        ),
        ("SKU,Date,In Stock\nA,2024-01-01,1\nA,soon,1\n", "invoice_time is 'soon' in row 3 .*a day, or the week"),
        ("SKU,In Stock\nA,1\n", "invoice_time is None in row 2"),
        ("SKU,Date\nA,2024-01-01\n", "in_stock is None in row 2"),
        ("Product,Date,In Stock\nA,2024-01-01,1\n", "has no column for stock_code"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_row(read: Read, text: str, complaint: str) -> None:
    with pytest.raises(SourceError, match=complaint):
        read(text)
