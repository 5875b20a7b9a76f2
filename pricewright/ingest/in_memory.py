"""Ingests a whole source in memory: reads it, names its columns, sorts out what is not a sale, passes the gate."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from pricewright.ingest.cancellations import cancelled_units, less_cancelled, match_cancellations
from pricewright.ingest.columns import check_any, find_columns, rename, with_header, with_sales
from pricewright.ingest.equal_rows import IDENTITY
from pricewright.ingest.gate import broken_promises, pass_gate
from pricewright.ingest.lines import read_lines
from pricewright.ingest.money import check_one_currency, look_at_numbers
from pricewright.ingest.numbers import POINT, Signs, check_clear, decide_sign, facts
from pricewright.ingest.rules import (
    CANCELLATION,
    TRANSACTION,
    count,
    count_part,
    judge,
    judge_dates,
    quarantine,
    settle,
)
from pricewright.ingest.sorting import schema_of, with_habits
from pricewright.ingest.source import read_tables
from pricewright.ingest.tables import CellGrid, Table, with_rows
from pricewright.ingest.texts import code_counts, odd_values, one_spelling
from pricewright.ingest.times import (
    check_step,
    dates_of,
    day_balance,
    decide_order,
    main_period,
    periods_of,
    say_layout,
)
from pricewright.partitions import week_of


@dataclass(frozen=True)
class Reading:
    """`lines`: every row, numbered in `line`; `named`: the tables by word; `read_as`: how each was understood;
    `params`: by the name of each table, with the habits of its schema."""

    lines: pl.DataFrame
    named: list[pl.DataFrame]
    read_as: dict[str, Any]
    params: dict[str, dict[str, Any]]


def read_all(
    tables: Iterable[Table | CellGrid], params: Mapping[str, Any], columns: Mapping[str, str] | None
) -> Reading:
    """The lines of all tables. Raises SourceError when one cannot be used; those without sales are left out."""
    used, left_out = with_sales(
        [with_header(t, params["columns"], columns) for t in tables], params["columns"], columns
    )
    check_any(used, left_out)
    found = [find_columns(table, params["columns"], columns) for table in used]
    named = [rename(table, columns_of) for table, columns_of in zip(used, found, strict=True)]
    balance = sum(day_balance(t["invoice_time"]) for t in named if t["invoice_time"].dtype == pl.String)
    settled = {**params, "day_first": decide_order(balance, bool(params["day_first"]))}
    seen = [
        look_at_numbers(table, words, columns_of, params["missing_values"])
        for table, words, columns_of in zip(used, named, found, strict=True)
    ]
    check_one_currency(zip((table.name for table in used), (currency for _, currency in seen), strict=True))
    source, asked = sum((signs for signs, _ in seen), Signs()), params["decimal_sign"]
    check_clear(zip((table.name for table in used), (signs for signs, _ in seen), strict=True), source, asked)
    lines, read_as, params_of = [], {}, {}
    for table, words, columns_of, (signs, currency) in zip(used, named, found, seen, strict=True):
        decimal = decide_sign(signs, source, asked) or POINT
        schema = schema_of(table, params)
        params_of[table.name] = with_habits(settled | {"decimal_sign": decimal}, schema)
        rows, layout = read_lines(table, words, columns_of, params_of[table.name])
        lines.append(rows)
        dates = say_layout(layout, balance)
        read_as[table.name] = {"rows": rows.height, "dates": dates, "columns": columns_of, "schema": schema}
        read_as[table.name] |= {**table.facts, **facts(signs, decimal, currency, params["decimal_sign"])}
        read_as[table.name] |= odd_values(table, words, params["missing_values"])
    check_step([dates_of(rows["invoice_time"]) for rows in lines], used[0].name)
    read_as |= {refusal.name: {"rows": 0, "left out": "no column of sales"} for refusal in left_out}
    spelled = one_spelling(pl.concat([code_counts(rows) for rows in lines])) if len(lines) > 1 else {}
    lines = [rows.with_columns(pl.col("stock_code").replace(spelled)) for rows in lines]
    numbered = pl.concat(lines).with_row_index("line").with_columns(pl.col("line").cast(pl.Int64))
    return Reading(numbered, named, read_as, params_of)


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
    tables: Iterable[Table | CellGrid], params: Mapping[str, Any], columns: Mapping[str, str] | None = None
) -> Ingested:
    """What `ingest` gives, before the gate has seen it. Raises SourceError when a table cannot be used."""
    read = read_all(tables, params, columns)
    lines = read.lines
    readable = lines.filter(pl.col("reason").is_null())
    single = readable.unique(IDENTITY, keep="first", maintain_order=True)
    period = main_period(periods_of(single["invoice_time"], int(params["largest_gap_days"])))
    judged = judge_dates(_judge_all(single, read.params), period)
    sales = judged.filter(pl.col("reason").is_null())
    cancellation_lines = judged.filter(pl.col("reason") == CANCELLATION)
    pairs = match_cancellations(sales, cancellation_lines, params)
    rejected = pl.concat(
        [
            lines.filter(pl.col("reason").is_not_null()),
            judged.filter(pl.col("reason") != CANCELLATION),
            settle(cancellation_lines, sales, pairs),
        ]
    ).sort("line")
    accepted = less_cancelled(sales, cancelled_units(sales, cancellation_lines, pairs))
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
