"""Rows that are no sales, each with its reason, a detail, and what the file said in it, word for word."""

from collections.abc import Sequence

import polars as pl

from pricewright.ingest.columns import WORDS
from pricewright.ingest.rules import CANCELLATION
from pricewright.units import rounded, written

GIVEN = tuple(f"given_{word}" for word in WORDS)
REJECTED = ("row", "source", "reason", "detail", "invoice_time", *GIVEN)
UNMATCHED = "cancellation without sale"


def settle(takings: pl.DataFrame, sales: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    """Cancellations with their reason (was a sale found?) and a detail that names the rows they cancel."""
    where = sales.select("line", pl.col("row").alias("sold_row"), pl.col("source").alias("sold_source"))
    named = pairs.join(where, left_on="sale", right_on="line").join(
        takings.select("line", "source"), left_on="taking", right_on="line", maintain_order="left"
    )
    elsewhere = (
        pl.when(pl.col("source") != pl.col("sold_source"))
        .then(pl.format(" in {}", "sold_source"))
        .otherwise(pl.lit(""))
    )
    found = (
        named.with_columns(pl.format("{} of row {}{}", written(pl.col("units")), "sold_row", elsewhere).alias("part"))
        .sort("taking", "sale")
        .group_by("taking", maintain_order=True)
        .agg(pl.col("part").str.join(", "), pl.col("units").sum().alias("matched"))
    )
    joined = takings.join(found, left_on="line", right_on="taking", how="left", maintain_order="left")
    rest = rounded(pl.col("quantity").abs() - pl.col("matched").fill_null(0))
    missing = pl.when(rest > 0).then(pl.format("no sale for {}", written(rest)))
    return joined.with_columns(
        pl.when(pl.col("part").is_null()).then(pl.lit(UNMATCHED)).otherwise(pl.lit(CANCELLATION)).alias("reason"),
        pl.concat_str([pl.format("cancels {}", "part"), missing], separator="; ", ignore_nulls=True).alias("detail"),
    ).select(takings.columns)


def quarantine(rejected: pl.DataFrame, named: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """row, source, reason, detail, invoice_time (null when unreadable), and `given_<word>`, the file's own text.

    `named` are the tables by word, one after the other as the lines in `rejected` count them.
    """
    parts, start = [], 0
    for table in named:
        inside = rejected.filter(pl.col("line").is_between(start, start + table.height, closed="left"))["line"] - start
        parts.append(given_texts(table[inside.to_list()] if len(inside) else table.clear()))
        start += table.height
    return pl.concat([rejected.select(REJECTED[:5]), pl.concat(parts)], how="horizontal")


def given_texts(table: pl.DataFrame) -> pl.DataFrame:
    """The file's own text of every word, as the columns GIVEN; `table` is named by the words."""
    return table.select(
        (pl.col(word).cast(pl.String) if word in table.columns else pl.lit(None, pl.String)).alias(f"given_{word}")
        for word in WORDS
    )
