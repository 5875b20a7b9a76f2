"""All tables of a source as one frame of sales lines, read the same way."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from pricewright.ingest.codes import one_spelling, said_of
from pricewright.ingest.columns import find_columns, rename
from pricewright.ingest.header import with_header
from pricewright.ingest.left_out import check_any, with_sales
from pricewright.ingest.lines import read_lines
from pricewright.ingest.money import check_one_currency, look_at_numbers
from pricewright.ingest.notation import Signs, check_clear, decide_sign, facts
from pricewright.ingest.numbers import POINT
from pricewright.ingest.periods import check_step, dates_of
from pricewright.ingest.schemas import schema_of, with_habits
from pricewright.ingest.table import Grid, Table
from pricewright.ingest.times import day_balance, decide_order, say_layout


@dataclass(frozen=True)
class Reading:
    """`lines`: every row, numbered in `line`; `named`: the tables by word; `read_as`: how each was understood;
    `params`: by the name of each table, with the habits of its schema."""

    lines: pl.DataFrame
    named: list[pl.DataFrame]
    read_as: dict[str, Any]
    params: dict[str, dict[str, Any]]


def read_all(tables: Iterable[Table | Grid], params: Mapping[str, Any], columns: Mapping[str, str] | None) -> Reading:
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
    check_step([dates_of(rows["invoice_time"]) for rows in lines], used[0].name)
    read_as |= {refusal.name: {"rows": 0, "left out": "no column of sales"} for refusal in left_out}
    spelled = one_spelling(pl.concat([said_of(rows) for rows in lines])) if len(lines) > 1 else {}
    lines = [rows.with_columns(pl.col("stock_code").replace(spelled)) for rows in lines]
    numbered = pl.concat(lines).with_row_index("line").with_columns(pl.col("line").cast(pl.Int64))
    return Reading(numbered, named, read_as, params_of)
