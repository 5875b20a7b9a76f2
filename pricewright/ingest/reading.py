"""All tables of a source as one frame of sales lines, read the same way."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from pricewright.core.errors import SourceError
from pricewright.ingest.columns import find_columns, holds_sales, rename
from pricewright.ingest.lines import read_lines
from pricewright.ingest.money import check_one_currency, look_at_numbers
from pricewright.ingest.notation import Signs, check_clear, decide_sign, facts
from pricewright.ingest.numbers import POINT
from pricewright.ingest.table import Table
from pricewright.ingest.times import day_comes_first


@dataclass(frozen=True)
class Reading:
    """`lines`: every row, numbered in `line`; `named`: the tables by word; `read_as`: how each was understood."""

    lines: pl.DataFrame
    named: list[pl.DataFrame]
    read_as: dict[str, Any]


def read_all(tables: Iterable[Table], params: Mapping[str, Any], columns: Mapping[str, str] | None) -> Reading:
    """The lines of all tables. Raises SourceError when one cannot be used; a sheet without sales is left out."""
    used, left_out = _with_sales(tables, params, columns)
    found = [find_columns(table, params["columns"], columns) for table in used]
    named = [rename(table, columns_of) for table, columns_of in zip(used, found, strict=True)]
    dates = [table["invoice_time"] for table in named if table["invoice_time"].dtype == pl.String]
    settled = {**params, "day_first": day_comes_first(dates, bool(params["day_first"]))}
    seen = [
        look_at_numbers(table, words, columns_of, params["missing_values"])
        for table, words, columns_of in zip(used, named, found, strict=True)
    ]
    check_one_currency(zip((table.name for table in used), (currency for _, currency in seen), strict=True))
    source, asked = sum((signs for signs, _ in seen), Signs()), params["decimal_sign"]
    check_clear(zip((table.name for table in used), (signs for signs, _ in seen), strict=True), source, asked)
    lines, read_as = [], {}
    for table, words, columns_of, (signs, currency) in zip(used, named, found, seen, strict=True):
        decimal = decide_sign(signs, source, asked) or POINT
        rows, layout = read_lines(table, words, columns_of, settled | {"decimal_sign": decimal})
        lines.append(rows)
        read_as[table.name] = {"rows": rows.height, "dates": layout, "columns": columns_of}
        read_as[table.name] |= {**table.facts, **facts(signs, decimal, currency)}
    read_as |= {name: {"rows": 0, "left out": "no column of sales"} for name in left_out}
    numbered = pl.concat(lines).with_row_index("line").with_columns(pl.col("line").cast(pl.Int64))
    return Reading(numbered, named, read_as)


def _with_sales(
    tables: Iterable[Table], params: Mapping[str, Any], columns: Mapping[str, str] | None
) -> tuple[list[Table], list[str]]:
    used, left_out = [], []
    for table in tables:
        if table.sheet and not holds_sales(table, params["columns"], columns):
            left_out.append(table.name)
        else:
            used.append(table)
    if not used:
        raise SourceError(f"none of the sheets {', '.join(left_out)} holds sales lines.", "name the columns: --column.")
    return used, left_out
