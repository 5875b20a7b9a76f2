"""The intake of sales lines: read, name the columns, set aside what is no sale, match cancellations, pass the gate."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from demand.ingest.cancellations import match_cancellations
from demand.ingest.columns import WORDS
from demand.ingest.counts import count
from demand.ingest.gate import pass_gate
from demand.ingest.quarantine import quarantine, settle
from demand.ingest.reading import read_all
from demand.ingest.rules import CANCELLATION, judge
from demand.ingest.source import read_tables
from demand.ingest.table import Table, with_rows

# Two rows are duplicates when all of these agree; their place in the files does not count.
IDENTITY = WORDS
TRANSACTION = (
    "row", "source", "invoice", "stock_code", "description", "quantity", "cancelled", "cancelled_in_week",
    "units", "invoice_time", "unit_price", "customer_id", "country", "unit_cost",
)  # fmt: skip


@dataclass(frozen=True)
class Ingested:
    """Accepted transactions, quarantined rows, and counts: accepted + quarantined + duplicates = rows."""

    accepted: pl.DataFrame
    quarantined: pl.DataFrame
    counts: dict[str, Any]


def ingest(source: Path, params: Mapping[str, Any], columns: Mapping[str, str] | None = None) -> Ingested:
    """The transactions of a CSV, Parquet or xlsx file or a folder of them; `params` is the section `ingest`.

    `columns` names the file's column per word. Raises SourceError when the source cannot be used or the gate blocks.
    """
    return pass_gate(clean(read_tables(source), params, columns), params["gate"], source.name)


def ingest_frame(
    frame: pl.DataFrame, params: Mapping[str, Any], columns: Mapping[str, str] | None = None, source: str = ""
) -> Ingested:
    """The same for a frame in memory, whose first row is row 1 of `source`."""
    name = source or "the frame"
    return pass_gate(clean([with_rows(Table(name, frame))], params, columns), params["gate"], name)


def clean(tables: Iterable[Table], params: Mapping[str, Any], columns: Mapping[str, str] | None = None) -> Ingested:
    """What `ingest` gives, before the gate has seen it. Raises SourceError when a table cannot be used."""
    read = read_all(tables, params, columns)
    lines = read.lines
    readable = lines.filter(pl.col("reason").is_null())
    single = readable.unique(IDENTITY, keep="first", maintain_order=True)
    judged = judge(single, params)
    sales = judged.filter(pl.col("reason").is_null())
    takings = judged.filter(pl.col("reason") == CANCELLATION)
    pairs = match_cancellations(sales, takings, params)
    rejected = pl.concat(
        [
            lines.filter(pl.col("reason").is_not_null()),
            judged.filter(pl.col("reason") != CANCELLATION),
            settle(takings, sales, pairs),
        ]
    ).sort("line")
    accepted = _less_cancelled(sales, takings, pairs)
    counts = count(lines.height, accepted, rejected, pairs, duplicates=readable.height - single.height)
    return Ingested(accepted.select(TRANSACTION), quarantine(rejected, read.named), counts | {"read_as": read.read_as})


def _less_cancelled(sales: pl.DataFrame, takings: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    """Sales with what was cancelled of them: at any time later, and in the week of the sale itself."""
    cancelled = (
        pairs.join(_monday(takings, "taking"), on="taking")
        .join(_monday(sales, "sale"), on="sale", suffix="_of_sale")
        .group_by("sale")
        .agg(
            cancelled=pl.col("units").sum(),
            cancelled_in_week=pl.col("units").filter(pl.col("monday") == pl.col("monday_of_sale")).sum(),
        )
    )
    joined = sales.join(cancelled, left_on="line", right_on="sale", how="left", maintain_order="left")
    return joined.with_columns(pl.col("cancelled", "cancelled_in_week").fill_null(0)).with_columns(
        (pl.col("quantity") - pl.col("cancelled")).alias("units")
    )


def _monday(lines: pl.DataFrame, name: str) -> pl.DataFrame:
    """The week of each line, with the line's number under the given name."""
    return lines.select(pl.col("line").alias(name), monday=pl.col("invoice_time").dt.truncate("1w"))
