"""A row whose value cannot be read is quarantined; a column of such values makes the file unusable."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest

from pricewright.core.errors import SourceError
from pricewright.ingest import Ingested, clean
from pricewright.ingest.tables import Table

Cleaned = Callable[..., Ingested]
ONE_BAD = {
    "no stock code": {"StockCode": " "},
    "no invoice": {"InvoiceNo": None},
    "no date": {"InvoiceDate": ""},
    "unreadable date": {"InvoiceDate": "31/02/2011"},
    "no quantity": {"Quantity": "NaN"},
    "unreadable quantity": {"Quantity": "six"},
    "no price": {"UnitPrice": None},
    "unreadable price": {"UnitPrice": "free"},
}


def as_text(shop: pl.DataFrame) -> pl.DataFrame:
    return shop.with_columns(pl.col("InvoiceDate").dt.strftime("%d/%m/%Y %H:%M")).select(pl.all().cast(pl.String))


def spoilt(shop: pl.DataFrame, words: dict[str, Any]) -> pl.DataFrame:
    """The shop as text, its eighth row with other values."""
    at = pl.int_range(pl.len()) == 7
    return as_text(shop).with_columns(
        pl.when(at).then(pl.lit(value, pl.String)).otherwise(name).alias(name) for name, value in words.items()
    )


@pytest.mark.parametrize("reason", ONE_BAD)
def test_one_unreadable_value_costs_one_row(reason: str, shop: pl.DataFrame, cleaned: Cleaned) -> None:
    found = cleaned(spoilt(shop, ONE_BAD[reason]))
    assert found.accepted.height == shop.height - 1
    rejected = found.quarantined.row(0, named=True)
    (value,) = ONE_BAD[reason].values()
    assert (rejected["row"], rejected["source"], rejected["reason"]) == (8, "shop.csv", reason)
    assert rejected["detail"] == (None if reason.startswith("no ") else value)
    assert rejected["given_description"] == "MUG, 7 é"
    assert value in {
        rejected[f"given_{w}"] for w in ("stock_code", "invoice", "invoice_time", "quantity", "unit_price")
    }


def test_a_quantity_beyond_counting_is_unreadable(shop: pl.DataFrame, cleaned: Cleaned) -> None:
    found = cleaned(spoilt(shop, {"Quantity": "1e30"}))
    assert found.counts["reasons"] == {"unreadable quantity": 1}


def test_the_date_of_a_rejected_row_is_kept_where_it_is_one(shop: pl.DataFrame, cleaned: Cleaned) -> None:
    assert cleaned(spoilt(shop, {"UnitPrice": "free"})).quarantined["invoice_time"].to_list() == [
        shop["InvoiceDate"][7]
    ]
    assert cleaned(spoilt(shop, {"InvoiceDate": "soon"})).quarantined["invoice_time"].to_list() == [None]


WHOLE = {
    "prices of text": (
        "UnitPrice",
        "cheap",
        r"'UnitPrice' \(unit_price\) holds 300 of 300 .* no number .*row 1, 'cheap'",
    ),
    "dates of text": ("InvoiceDate", "soon", r"'InvoiceDate' \(invoice_time\) .* no date \(first: row 1, 'soon'\)"),
    "quantities of text": ("Quantity", "some", r"'Quantity' \(quantity\) .* no number \(first: row 1, 'some'\)"),
    "no dates": ("InvoiceDate", None, r"'InvoiceDate' \(invoice_time\) has no value from row 1 to the end"),
    "no codes": ("StockCode", " ", r"'StockCode' \(stock_code\) has no value"),
    "costs of text": ("UnitCost", "low", r"'UnitCost' \(unit_cost\) .*'low'"),
}


@pytest.mark.parametrize(("column", "value", "message"), WHOLE.values(), ids=WHOLE.keys())
def test_a_column_of_them_makes_the_file_unusable(
    column: str, value: str | None, message: str, shop: pl.DataFrame, cleaned: Cleaned
) -> None:
    with pytest.raises(SourceError, match=f"shop.csv: the column {message}") as error:
        cleaned(as_text(shop).with_columns(pl.lit(value, pl.String).alias(column)))
    assert "--column" in error.value.hint


def test_how_many_may_be_unreadable_is_a_parameter(shop: pl.DataFrame, cleaned: Cleaned) -> None:
    tenth = pl.when(pl.int_range(pl.len()) % 10 == 3).then(pl.lit("free")).otherwise("UnitPrice").alias("UnitPrice")
    frame = as_text(shop).with_columns(tenth)
    assert cleaned(frame).counts["reasons"] == {"unreadable price": 30}
    with pytest.raises(SourceError, match=r"30 of 300 .*row 4, 'free'\); at most 5% may be"):
        cleaned(frame, unreadable_share=0.05)


def test_numbers_that_a_spreadsheet_made_of_codes_are_codes_again(shop: pl.DataFrame, cleaned: Cleaned) -> None:
    numeric = shop.with_columns(pl.col("StockCode", "InvoiceNo", "CustomerID").cast(pl.Float64))
    assert cleaned(numeric).accepted.equals(cleaned(shop).accepted)
    assert cleaned(numeric.select(pl.exclude("InvoiceDate").cast(pl.String), "InvoiceDate")).accepted.equals(
        cleaned(shop).accepted
    )


def test_lists_are_no_values(shop: pl.DataFrame, cleaned: Cleaned) -> None:
    with pytest.raises(SourceError, match=r"'UnitPrice' \(unit_price\) has no value"):
        cleaned(shop.with_columns(pl.concat_list("UnitPrice")))


def test_a_unit_cost_is_kept_where_it_can_be_read(shop: pl.DataFrame, cleaned: Cleaned) -> None:
    cost = pl.when(pl.int_range(pl.len()) % 10 == 3).then(pl.lit("?")).otherwise(pl.lit("0.25")).alias("UnitCost")
    accepted = cleaned(shop.with_columns(cost)).accepted
    assert accepted["unit_cost"].value_counts().sort("count").rows() == [(None, 30), (0.25, 270)]


def test_a_unit_cost_below_zero_is_none(line: Callable[..., dict[str, Any]], cleaned: Cleaned) -> None:
    found = cleaned([line(unit_cost=cost, invoice=str(cost)) for cost in (-1.0, 0.0, 1.2)])
    assert found.accepted["unit_cost"].to_list() == [None, 0.0, 1.2]
    assert found.counts["rows_with_unit_cost"] == 2


Params = dict[str, Any]
MONDAY = date(2024, 1, 1)
ASKED = {"invoice_time": "week", "quantity": "qty"}
TOTALS = pl.DataFrame(
    [(10001 + sku, MONDAY + timedelta(weeks=week), 3 + sku, 4.5) for week in range(12) for sku in range(25)],
    schema=["product_id", "week", "qty", "unit_price"],
    orient="row",
)


def read(frame: pl.DataFrame, params: Params) -> Ingested:
    return clean([Table("totals.csv", frame)], params, ASKED)


def test_totals_are_read_with_two_columns_named(params: Params) -> None:
    found = read(TOTALS, params)
    assert found.accepted.height == TOTALS.height
    assert found.accepted["invoice"].n_unique() == TOTALS.height
    assert found.accepted["invoice"][0] == "2024-01-01 00:00:00 10001 3 4.5"


def test_copies_of_a_total_are_copies_whatever_their_order_and_type(params: Params) -> None:
    text = TOTALS.select(pl.all().cast(pl.String)).with_columns(unit_price=pl.lit("4.50"))
    found = clean([Table("a", TOTALS), Table("b", text.reverse())], params, ASKED)
    assert found.counts["duplicates"] == TOTALS.height
    forth, back = read(TOTALS, params).accepted, read(TOTALS.reverse(), params).accepted
    assert sorted(forth["invoice"]) == sorted(back["invoice"])


def test_an_empty_row_and_one_without_a_code_say_why_they_are_none(params: Params) -> None:
    bad = pl.DataFrame(
        {"product_id": [None, None, 7], "week": [None, MONDAY, None], "qty": [None, 3, 3], "unit_price": [None, 1, 1]}
    )
    found = read(pl.concat([TOTALS, bad.cast(TOTALS.schema)]), params)
    assert found.counts["reasons"] == {"empty row": 1, "no stock code": 1, "no date": 1}


def test_a_column_of_invoices_that_has_a_hole_is_still_asked_for_one(
    line: Callable[..., dict[str, Any]], cleaned: Callable[..., Ingested]
) -> None:
    assert cleaned([line(), line(invoice=None)]).counts["reasons"] == {"no invoice": 1}
