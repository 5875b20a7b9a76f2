"""What a line says of money becomes the price of one piece: unit prices, totals of lines, refunds of either."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pricewright.core.errors import SourceError
from pricewright.ingest import Ingested, clean
from pricewright.ingest.source import read_tables
from testing.plain_shop import plain_shop

Params = dict[str, Any]
SHOP = plain_shop(weeks=20)
TOTAL = (pl.col("unit_price") * pl.col("quantity")).round(2)
SQUARE = {"invoice_time": "Date", "description": "Item", "quantity": "Qty", "stock_code": "SKU", "invoice": "Order ID"}


def write(path: Path, shop: pl.DataFrame) -> Path:
    shop.write_csv(path)
    return path


def read(path: Path, params: Params, **asked: str) -> Ingested:
    return clean(read_tables(path), params, asked)


def with_totals(name: str) -> pl.DataFrame:
    return SHOP.with_columns(TOTAL.alias(name)).drop("unit_price").rename(SQUARE)


@pytest.mark.parametrize("name", ["Gross Sales", "net_sales", "Line Total", "Amount", "Subtotal", "Extended Price"])
def test_a_total_is_divided_by_its_pieces(name: str, params: Params, tmp_path: Path) -> None:
    found = read(write(tmp_path / "items.csv", with_totals(name)), params)
    assert found.accepted["unit_price"].to_list() == pytest.approx(SHOP["unit_price"].to_list())
    assert found.counts["read_as"]["items.csv"]["columns"]["line_total"] == name


def test_a_unit_price_goes_before_a_total_that_nobody_asked_for(params: Params, tmp_path: Path) -> None:
    path = write(tmp_path / "shop.csv", SHOP.with_columns(Total=2 * TOTAL))
    assert read(path, params).accepted["unit_price"].to_list() == SHOP["unit_price"].to_list()
    asked = read(path, params, line_total="Total").accepted["unit_price"]
    assert asked.to_list() == pytest.approx((2 * SHOP["unit_price"]).to_list())


def test_a_file_without_any_money_is_refused_with_both(params: Params, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no column for unit_price") as error:
        read(write(tmp_path / "shop.csv", SHOP.drop("unit_price")), params)
    assert "--column line_total=NAME" in error.value.hint


SHOPS = {
    "one line of 1 to 6 pieces": SHOP,
    "never one piece": SHOP.with_columns(pl.col("quantity") * 6),
    "sums of days": SHOP.group_by("stock_code", pl.col("invoice_time").dt.date(), "unit_price", maintain_order=True)
    .agg(pl.col("quantity").sum())
    .with_row_index("invoice"),
}


@pytest.mark.parametrize("kind", SHOPS)
def test_a_total_that_is_called_a_price_is_noticed(kind: str, params: Params, tmp_path: Path) -> None:
    shop = SHOPS[kind]
    assert read(write(tmp_path / "shop.csv", shop), params).counts["accepted"] == shop.height
    path = write(tmp_path / "totals.csv", shop.with_columns(TOTAL.alias("unit_price")))
    with pytest.raises(SourceError, match=r"column 'unit_price' \(unit_price\) looks like a line's total") as error:
        read(path, params)
    assert error.value.hint == '--column "line_total=unit_price".'
    found = read(path, params, line_total="unit_price")
    assert found.accepted["unit_price"].to_list() == pytest.approx(shop["unit_price"].to_list())


def test_a_price_that_is_called_a_total_is_noticed(params: Params, tmp_path: Path) -> None:
    path = write(tmp_path / "shop.csv", SHOP.rename({"unit_price": "Amount"}))
    with pytest.raises(SourceError, match=r"'Amount' \(line_total\) looks like the price of one piece"):
        read(path, params)
    assert read(path, params, unit_price="Amount").accepted["unit_price"].to_list() == SHOP["unit_price"].to_list()


def test_more_for_less_is_an_ordinary_price(params: Params, tmp_path: Path) -> None:
    discount = 1 - 0.1 * (pl.col("quantity") - 1)
    path = write(tmp_path / "shop.csv", SHOP.with_columns((pl.col("unit_price") * discount).round(2)))
    assert read(path, params).counts["accepted"] == SHOP.height


# A line that takes back 2 pieces at 5.00 each, in the words of different tills.
REFUNDS = {
    "a negative quantity": {"quantity": -2, "unit_price": 5.0},
    "a negative price": {"quantity": 2, "unit_price": -5.0},
    "both": {"quantity": -2, "unit_price": -5.0},
    "a negative total": {"quantity": 2, "line_total": -10.0},
    "a negative total of a negative quantity": {"quantity": -2, "line_total": -10.0},
    "a positive total of a negative quantity": {"quantity": -2, "line_total": 10.0},
}


@pytest.mark.parametrize("kind", REFUNDS)
def test_a_refund_takes_back_in_whatever_sign_it_is_written(kind: str, params: Params, tmp_path: Path) -> None:
    refund = REFUNDS[kind]
    money = "line_total" if "line_total" in refund else "unit_price"
    line = {"invoice": "1", "stock_code": "A", "quantity": 3, "customer_id": "7", "invoice_time": "2024-01-02 10:00"}
    sale = line | {money: 15.0 if money == "line_total" else 5.0}
    lines = [sale, sale | {"invoice": "2", "customer_id": "8"}]
    lines.append(line | {"invoice": "3", "invoice_time": "2024-01-03 10:00"} | refund)
    found = read(write(tmp_path / "shop.csv", pl.DataFrame(lines)), params)
    assert found.counts["reasons"] == {"cancellation": 1}
    assert found.accepted.select("quantity", "units", "unit_price").rows() == [(3, 1, 5.0), (3, 3, 5.0)]
