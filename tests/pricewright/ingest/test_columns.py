"""Columns are found by the names that are known, or by the ones that are asked for."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pricewright.core.errors import ParameterError, SourceError
from pricewright.ingest import Ingested, clean
from pricewright.ingest.columns import find_columns
from pricewright.ingest.source import read_tables
from pricewright.ingest.tables import Table

Params = dict[str, Any]
SECOND = {"InvoiceNo": "Invoice", "UnitPrice": "Price", "CustomerID": "Customer ID"}
GERMAN = {
    "InvoiceNo": "Beleg",
    "StockCode": "Artikel",
    "Quantity": "Menge",
    "InvoiceDate": "Datum",
    "UnitPrice": "Preis",
}


def found(frame: pl.DataFrame, params: Params, asked: dict[str, str] | None = None) -> dict[str, str]:
    return find_columns(Table("shop.csv", frame), params["columns"], asked)


def test_both_schemas_of_the_uci_files_are_known(shop: pl.DataFrame, cleaned: Callable[..., Ingested]) -> None:
    first, second = cleaned(shop), cleaned(shop.rename(SECOND))
    assert first.accepted.height == shop.height
    assert second.accepted.equals(first.accepted)


def test_case_and_blanks_make_no_difference(shop: pl.DataFrame, params: Params) -> None:
    frame = shop.rename({"InvoiceNo": " invoice_no ", "UnitPrice": "UNIT PRICE", "CustomerID": "\ufeffcustomer-id"})
    assert found(frame, params)["invoice"] == " invoice_no "
    assert found(frame, params)["unit_price"] == "UNIT PRICE"


def test_other_names_come_from_the_mapping(shop: pl.DataFrame, params: Params) -> None:
    words = ("invoice", "stock_code", "quantity", "invoice_time", "unit_price")
    asked = dict(zip(words, GERMAN.values(), strict=True))
    read = clean([Table("shop.csv", shop.rename(GERMAN))], params, asked)
    assert read.accepted.height == shop.height
    assert read.counts["read_as"]["shop.csv"]["columns"].items() >= asked.items()


def test_what_is_asked_for_goes_before_what_is_known(shop: pl.DataFrame, params: Params) -> None:
    frame = shop.with_columns(NetPrice=pl.col("UnitPrice") / 1.2)
    assert found(frame, params)["unit_price"] == "UnitPrice"
    assert found(frame, params, {"unit_price": "netprice"})["unit_price"] == "NetPrice"


@pytest.mark.parametrize("missing", ["StockCode", "Quantity", "InvoiceDate", "UnitPrice"])
def test_a_missing_column_is_named_with_those_that_are_there(missing: str, shop: pl.DataFrame, params: Params) -> None:
    with pytest.raises(
        SourceError, match=rf"shop.csv has no column for \w+ \(looked for {missing}, .*Country"
    ) as error:
        found(shop.drop(missing, "Description"), params)
    assert "--column" in error.value.hint


def test_a_column_that_was_asked_for_must_be_there(shop: pl.DataFrame, params: Params) -> None:
    with pytest.raises(SourceError, match=r"no column for country \(looked for Land;"):
        found(shop, params, {"country": "Land"})


@pytest.mark.parametrize("optional", ["Description", "CustomerID", "Country"])
def test_an_optional_column_may_be_missing(optional: str, shop: pl.DataFrame, cleaned: Callable[..., Ingested]) -> None:
    assert cleaned(shop.drop(optional)).accepted.height == shop.height


USUAL = {
    "category": ("Category", "Product Category", "Department", "PRODUCT_TYPE"),
    "promotion": ("Promotion", "promo", "On Promotion", "Deal", "is_promo"),
    "channel": ("Channel", "Sales Channel", "Order Channel"),
    "in_stock": ("InStock", "In Stock", "Availability"),
}


@pytest.mark.parametrize(("word", "name"), [(word, name) for word, names in USUAL.items() for name in names])
def test_what_else_a_shop_says_of_a_line_is_found_by_its_usual_names(
    word: str, name: str, shop: pl.DataFrame, cleaned: Callable[..., Ingested]
) -> None:
    accepted = cleaned(shop.with_columns(pl.lit("1").alias(name))).accepted
    assert accepted[word].cast(pl.Float64).to_list() == [1.0] * shop.height
    assert cleaned(shop).accepted[word].null_count() == shop.height


def test_one_column_cannot_be_two_things(shop: pl.DataFrame, params: Params) -> None:
    with pytest.raises(SourceError, match="'Quantity' is taken for quantity and for unit_price"):
        found(shop, params, {"unit_price": "Quantity"})


def test_a_column_that_was_asked_for_is_no_guess_for_a_word_that_may_be_missing(params: Params) -> None:
    frame = pl.DataFrame({"order_id": [1], "date": [1], "item_name": ["Kettle"], "item_price": [2], "quantity": [1]})
    read = found(frame, params, {"stock_code": "item_name", "unit_price": "item_price"})
    assert read["stock_code"] == "item_name" and "description" not in read
    assert "invoice" not in found(frame.rename({"item_name": "sku"}), params, {"unit_price": "Order ID"})


def test_two_words_that_ask_for_one_column_are_an_error(shop: pl.DataFrame, params: Params) -> None:
    with pytest.raises(SourceError, match="'Country' is taken for description and for country"):
        found(shop, params, {"description": "Country", "country": "Country"})


def test_an_unknown_word_is_an_error_of_the_mapping(shop: pl.DataFrame, params: Params) -> None:
    with pytest.raises(ParameterError, match="has 'price': it must be one of invoice, stock_code"):
        found(shop, params, {"price": "UnitPrice"})


def test_a_long_header_is_not_repeated_whole(params: Params) -> None:
    frame = pl.DataFrame({f"{i} {'x' * 500}": [1] for i in range(50)})
    with pytest.raises(SourceError, match="and 30 more") as error:
        found(frame, params)
    assert len(str(error.value)) < 1500


HEADER = "Invoice,StockCode,Quantity,InvoiceDate,Price,Price\n"


@pytest.mark.parametrize("note", ["MUG", '12" RULER'])
def test_a_column_that_stands_twice_is_named_where_its_values_differ(note: str, params: Params, tmp_path: Path) -> None:
    rows = f"1,{note},2,2024-01-02,5.00,{{}}\n2,BOX,3,2024-01-03,6.00,6.00\n"
    path = tmp_path / "shop.csv"
    path.write_text(HEADER + rows.format("5.00"))
    assert clean(read_tables(path), params).counts["accepted"] == 2
    path.write_text(HEADER + rows.format("4.20"))
    with pytest.raises(SourceError, match=r"the column 'Price' \(unit_price\) stands twice in the header") as error:
        clean(read_tables(path), params)
    second = error.value.hint.split('"unit_price=')[2].split('"')[0]
    for asked, price in (("Price", 5.0), (second, 4.2)):
        assert clean(read_tables(path), params, {"unit_price": asked}).accepted["unit_price"][0] == price


def test_a_column_that_stands_twice_in_a_sheet_is_named(params: Params, tmp_path: Path) -> None:
    import xlsxwriter

    with xlsxwriter.Workbook(tmp_path / "shop.xlsx") as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, HEADER.strip().split(","))
        sheet.write_row(1, 0, [1, "A", 2, "2024-01-02", 5.0, 4.2])
    with pytest.raises(SourceError, match=r"'Price' .* stands twice"):
        clean(read_tables(tmp_path / "shop.xlsx"), params)


def test_one_column_that_is_there_twice_and_not_used_does_no_harm(params: Params, tmp_path: Path) -> None:
    path = tmp_path / "shop.csv"
    path.write_text("Note,Note," + HEADER.replace(",Price\n", "\n") + "a,b,1,A,2,2024-01-02,5.00\n")
    assert clean(read_tables(path), params).counts["accepted"] == 1
