"""Totals per product and week, as most public files of prices have them, name no invoice: each row is its own."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import polars as pl

from pricewright.ingest import Ingested, clean
from pricewright.ingest.table import Table

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
