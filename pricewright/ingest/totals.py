"""Rows of a report that sum up others: no sales of their own."""

from collections.abc import Mapping

import polars as pl

from pricewright.ingest.columns import INVOICE

TOTAL = r"(?i)^\W*(?:(?:grand|sub|report|overall)[ -]?)?(?:totals?|sum|summe|gesamt|gesamtsumme)\W*"
NEEDED = (INVOICE, "stock_code", "quantity", "invoice_time", "unit_price")
SAYING = (INVOICE, "stock_code", "description", "invoice_time")


def are_totals(texts: Mapping[str, pl.Series], codes: pl.Series) -> pl.Series:
    """Whether a row's code says that it is a total, or another text of a row that lacks what a sale has.

    texts: the columns by word, null where blank; codes: the different ones.
    """
    named = codes.filter(codes.str.contains(f"{TOTAL}$"))
    nowhere = pl.repeat(False, len(texts["stock_code"]), eager=True)
    totals = texts["stock_code"].is_in(named.implode()).fill_null(False) if len(named) else nowhere
    rows = pl.DataFrame([column.alias(word) for word, column in texts.items() if word in {*NEEDED, *SAYING}])
    lacking = rows.select(pl.any_horizontal(pl.col(w).is_null() for w in NEEDED if w in texts)).to_series().arg_true()
    said = [pl.col(word).str.contains(rf"{TOTAL}(?:\W|$)").fill_null(False) for word in SAYING if word in texts]
    found = lacking.filter(rows[lacking].select(pl.any_horizontal(said)).to_series())
    return totals.scatter(found, True)
