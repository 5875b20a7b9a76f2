"""The stock file: what was on the shelf, by store, product and day or week. Where a run's stock file is this module, it
has none."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from pricewright.ingest.columns import STORE
from pricewright.ingest.numbers import read_numbers
from pricewright.ingest.stores import Beside, read_beside, refuse_where
from pricewright.ingest.texts import read_flags
from pricewright.ingest.times import read_times

STOCK = {"stock_code": pl.String, STORE: pl.String, "week": pl.Date, "out_share": pl.Float64}
WORDS = ("stock_code", STORE, "invoice_time", "in_stock")


def read_stock(path: Path, params: Mapping[str, Any], asked: Mapping[str, str]) -> tuple[pl.DataFrame, dict[str, Any]]:
    """STOCK, a row per product, store (null for none) and week (its Monday), and what is counted of the file.

    out_share: of the file's rows of that week those that say there was none; a row says yes or no, 0 or 1, or units on
    hand. Units below zero say nothing of the shelf, and are counted. Raises SourceError for a file without a column of
    codes, a date that is none, or a stock that is none.
    """
    beside = read_beside(path, WORDS, params, asked, "stock_code", ("in_stock",))
    times, _ = read_times(beside.rows["invoice_time"], bool(params["day_first"]))
    refuse_where(beside, "invoice_time", times.is_null(), "a day, or the week, of each row is needed")
    texts = beside.rows["in_stock"]
    below = (read_numbers(texts, params["decimal_sign"]) < 0).fill_null(False)
    flags = read_flags(texts)
    refuse_where(beside, "in_stock", flags.is_null() & ~below, "yes or no, 0 or 1, or units on hand are needed")
    rows = beside.rows.with_columns(week=times.dt.truncate("1w").dt.date(), out=~flags).drop_nulls("out")
    shares = rows.group_by("stock_code", STORE, "week").agg(out_share=pl.col("out").mean())
    return shares.select(list(STOCK)).sort("stock_code", STORE, "week"), {"rows": rows.height, **_below(beside, below)}


def _below(beside: Beside, below: pl.Series) -> dict[str, str]:
    if not below.any():
        return {}
    first = beside.rows.filter(below).row(0, named=True)
    return {"negative": f"{below.sum():,} rows (first: row {first['row']}, {first['in_stock']!r})"}
