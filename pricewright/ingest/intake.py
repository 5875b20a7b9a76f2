"""The intake of sales lines: read, name the columns, set aside what is no sale, match cancellations, pass the gate."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from pricewright.ingest.cancellations import match_cancellations
from pricewright.ingest.counts import count, count_part
from pricewright.ingest.equal_rows import IDENTITY
from pricewright.ingest.expectations import broken_promises
from pricewright.ingest.gate import pass_gate
from pricewright.ingest.periods import main_period, periods_of
from pricewright.ingest.quarantine import quarantine, settle
from pricewright.ingest.reading import read_all
from pricewright.ingest.rules import CANCELLATION, judge, judge_dates
from pricewright.ingest.source import read_tables
from pricewright.ingest.table import Grid, Table, with_rows
from pricewright.partitions import week_of
from pricewright.units import rounded

TRANSACTION = (
    "row", "source", "invoice", "stock_code", "description", "quantity", "cancelled", "cancelled_in_week",
    "units", "invoice_time", "unit_price", "customer_id", "country", "unit_cost", "category", "promotion", "channel",
    "in_stock",
)  # fmt: skip


@dataclass(frozen=True)
class Ingested:
    """Accepted transactions, quarantined rows, and counts: accepted + quarantined + duplicates = rows."""

    accepted: pl.DataFrame
    quarantined: pl.DataFrame
    counts: dict[str, Any]


def ingest(source: Path, params: Mapping[str, Any], columns: Mapping[str, str] | None = None) -> Ingested:
    """The transactions of a CSV, Parquet or xlsx file or a folder of them; `params` is the section `ingest`.

    All at once, in memory; weekly.py gives the same week by week, on disk. `columns` names the file's column per word.
    Raises SourceError when the source cannot be used or the gate blocks.
    """
    return _gated(clean(read_tables(source), params, columns), params, source.name)


def ingest_frame(
    frame: pl.DataFrame, params: Mapping[str, Any], columns: Mapping[str, str] | None = None, source: str = ""
) -> Ingested:
    """The same for a frame in memory, whose first row is row 1 of `source`."""
    name = source or "the frame"
    return _gated(clean([with_rows(Table(name, frame))], params, columns), params, name)


def _gated(found: Ingested, params: Mapping[str, Any], name: str) -> Ingested:
    def first(reason: str) -> tuple[int, str, str | None]:
        rejected = found.quarantined.filter(pl.col("reason") == reason).row(0, named=True)
        return rejected["row"], rejected["source"], rejected["detail"]

    broken = [broken_promises(found.accepted)]
    return replace(found, counts=pass_gate(found.counts, broken, params["gate"], name, first))


def clean(
    tables: Iterable[Table | Grid], params: Mapping[str, Any], columns: Mapping[str, str] | None = None
) -> Ingested:
    """What `ingest` gives, before the gate has seen it. Raises SourceError when a table cannot be used."""
    read = read_all(tables, params, columns)
    lines = read.lines
    readable = lines.filter(pl.col("reason").is_null())
    single = readable.unique(IDENTITY, keep="first", maintain_order=True)
    period = main_period(periods_of(single["invoice_time"], int(params["largest_gap_days"])))
    judged = judge_dates(_judge_all(single, read.params), period)
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
    accepted = less_cancelled(sales, cancelled_units(sales, takings, pairs))
    counts = count(
        [count_part(accepted, rejected, readable.height - single.height)],
        rows=lines.height,
        skus=accepted["stock_code"].n_unique(),
        customers=accepted["customer_id"].drop_nulls().n_unique(),
        weeks=accepted.select(week_of("invoice_time")).n_unique(),
    )
    return Ingested(accepted.select(TRANSACTION), quarantine(rejected, read.named), counts | {"read_as": read.read_as})


def _judge_all(lines: pl.DataFrame, params: Mapping[str, Mapping[str, Any]]) -> pl.DataFrame:
    """The lines judged, each by the parameters of its table."""
    return pl.concat([judge(lines.filter(pl.col("source") == name), own) for name, own in params.items()])


def cancelled_units(sales: pl.DataFrame, takings: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    """line, cancelled, cancelled_in_week of the sales of which units were cancelled: at any time later, and in the
    week of the sale itself."""
    return (
        pairs.join(_monday(takings, "taking"), on="taking")
        .join(_monday(sales, "sale"), on="sale", suffix="_of_sale")
        .group_by(line="sale")
        .agg(
            cancelled=rounded(pl.col("units").sum()),
            cancelled_in_week=rounded(pl.col("units").filter(pl.col("monday") == pl.col("monday_of_sale")).sum()),
        )
    )


def less_cancelled(sales: pl.DataFrame, cancelled: pl.DataFrame) -> pl.DataFrame:
    """Sales with what was cancelled of them, and the units that stayed sold."""
    joined = sales.join(cancelled, on="line", how="left", maintain_order="left")
    return joined.with_columns(pl.col("cancelled", "cancelled_in_week").fill_null(0)).with_columns(
        rounded(pl.col("quantity") - pl.col("cancelled")).alias("units")
    )


def _monday(lines: pl.DataFrame, name: str) -> pl.DataFrame:
    """The week of each line, with the line's number under the given name."""
    return lines.select(pl.col("line").alias(name), monday=pl.col("invoice_time").dt.truncate("1w"))
