"""Sorts the lines of one file into weeks, and recognises exports whose habits are known.

Files it writes per table (a number): `0/takings.parquet`, `0/codes.parquet` (see said_of), and per week
`0/2011-W49.sales.parquet` and `0/2011-W49.aside.parquet`; sales are lines that sell a product, aside lie all others
with what the file said.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import polars as pl

from pricewright.core.errors import ParameterError, SourceError
from pricewright.ingest.columns import WORDS, find_columns, has_columns, rename, with_header, with_sales
from pricewright.ingest.equal_rows import COPIES, IDENTITY, LINES, NTH
from pricewright.ingest.lines import read_lines
from pricewright.ingest.money import look_at_numbers
from pricewright.ingest.numbers import POINT, Signs, decide_sign, facts
from pricewright.ingest.rules import CANCELLATION, GIVEN, given_texts, judge
from pricewright.ingest.source import Document
from pricewright.ingest.tables import Table
from pricewright.ingest.texts import code_counts, odd_values
from pricewright.ingest.times import DAY_FIRST, MONTH_FIRST, dates_of, day_balance, periods_of
from pricewright.partitions import by_week, week_of

GENERAL: dict[str, Any] = {"not_products": [], "cancellation_invoice": "", "equal_rows": LINES}
TYPES: dict[str, Any] = {
    "quantity": pl.Float64,
    "invoice_time": pl.Datetime("us"),
    "unit_price": pl.Float64,
    "unit_cost": pl.Float64,
    "promotion": pl.Float64,
    "in_stock": pl.Boolean,
    "tax_rate": pl.Float64,
    "competitor_price": pl.Float64,
}
SALE: dict[str, Any] = {"row": pl.Int64, **{word: TYPES.get(word, pl.String) for word in WORDS}, NTH: pl.Int64}
ASIDE: dict[str, Any] = (
    SALE | {"reason": pl.String, "detail": pl.String, "readable": pl.Boolean} | dict.fromkeys(GIVEN, pl.String)
)
CODES = "codes.parquet"
SCHEMAS: dict[str, dict[str, Any]] = {"sales": SALE, "aside": ASIDE}
# What sorting reads of the section `ingest`; the gate, guest_days and day_first come in later, or are asked for.
READ = ("columns", "missing_values", "unreadable_share", "not_products", "product_code", "cancellation_invoice",
        "equal_rows", "copied_block", "schemas", "largest_gap_days", "decimal_sign", "largest_quantity_ratio",
        "largest_price_ratio")  # fmt: skip


def schema_of(table: Table, params: Mapping[str, Any]) -> str:
    """The name of the schema of which the table has every column, empty where there is none."""
    return next((name for name, known in params["schemas"].items() if has_columns(table, known["columns"])), "")


def with_habits(params: Mapping[str, Any], schema: str = "") -> dict[str, Any]:
    """The parameters, those of GENERAL that are null filled in. Raises ParameterError where one is of another kind."""
    habits = GENERAL | {name: habit for name, habit in params["schemas"].get(schema, {}).items() if name in GENERAL}
    filled = {**params, **{name: habit for name, habit in habits.items() if params[name] is None}}
    if not isinstance(filled["not_products"], list):
        raise ParameterError(
            f"ingest.not_products is {filled['not_products']!r}: it must be a list of patterns.",
            hint="write ingest.not_products=[POST, BAG].",
        )
    if filled["equal_rows"] not in (LINES, COPIES):
        raise ParameterError(f"ingest.equal_rows is {filled['equal_rows']!r}: it must be {LINES} or {COPIES}.")
    return filled


def sort_document(
    document: Document,
    params: Mapping[str, Any],
    asked: Mapping[str, str],
    day_first: Callable[[int], bool],
    others: Signs,
    folder: Path,
) -> dict[str, Any]:
    """Write the document's lines below `folder`, and say what they are: per table its rows by week and how it was read.

    day_first: decides the order of day and month by the balance of the document's dates; others: what the numbers of
    the source's other documents say of their signs. Raises SourceError when the document cannot be used, or is written
    to meanwhile.
    """
    read = [with_header(table, params["columns"], asked) for table in document.read()]
    used, left_out = with_sales(read, params["columns"], asked)
    del read
    columns = [find_columns(table, params["columns"], asked) for table in used]
    named = [rename(table, columns_of) for table, columns_of in zip(used, columns, strict=True)]
    balance = sum(day_balance(t["invoice_time"]) for t in named if t["invoice_time"].dtype == pl.String)
    seen = [look_at_numbers(*each, params["missing_values"]) for each in zip(used, named, columns, strict=True)]
    others = sum((signs for signs, _ in seen), others)
    settled = {**params, "day_first": day_first(balance)}
    tables: list[dict[str, Any]] = []
    while used:  # one table after the other leaves the memory
        table, words, columns_of = used.pop(0), named.pop(0), columns.pop(0)
        signs, currency = seen[len(tables)]
        decimal = decide_sign(signs, others, params["decimal_sign"]) or POINT
        table_folder = folder / str(len(tables))
        table_folder.mkdir()
        schema = schema_of(table, params)
        known = {"suffix": table.name.removeprefix(document.name), "columns": columns_of, "schema": schema}
        known |= {"signs": asdict(signs), "decimal_sign": decimal}
        known["facts"] = {
            **table.facts,
            **facts(signs, decimal, currency, params["decimal_sign"]),
            **odd_values(table, words, params["missing_values"]),
        }
        own = with_habits(settled | {"decimal_sign": decimal}, schema)
        tables.append(known | _sort_table(table, words, columns_of, own, table_folder))
    if not document.stays():
        raise SourceError(f"{document.name} was written to while it was read.", "run again when it is complete.")
    either = any(table["dates"] in (*DAY_FIRST, *MONTH_FIRST) for table in tables)
    return {
        "tables": tables,
        "left_out": [refusal._replace(name=refusal.name.removeprefix(document.name)) for refusal in left_out],
        "balance": balance,
        "day_first": settled["day_first"] if either else None,
    }


def _sort_table(
    table: Table, named: pl.DataFrame, columns: Mapping[str, str], params: Mapping[str, Any], folder: Path
) -> dict[str, Any]:
    lines, layout = read_lines(table, named, columns, params)
    readable = lines.filter(pl.col("reason").is_null())
    judged = judge(readable.unique(IDENTITY, keep="first", maintain_order=True), params)
    aside = pl.concat(
        [
            lines.filter(pl.col("reason").is_not_null()).with_columns(readable=pl.lit(False)),
            judged.filter(pl.col("reason").is_not_null()).with_columns(readable=pl.lit(True)),
        ]
    ).sort("row")
    given = given_texts(named[(aside["row"] - table.first_row).to_list()] if aside.height else named.clear())
    aside = pl.concat([aside, given], how="horizontal").select(list(ASIDE))
    for kind, rows in (("sales", judged.filter(pl.col("reason").is_null()).select(list(SALE))), ("aside", aside)):
        for week, part in by_week(rows, "invoice_time"):
            if part.height:
                part.write_parquet(folder / f"{week}.{kind}.parquet", compression="lz4")
    aside.filter(pl.col("reason") == CANCELLATION).select(list(SALE)).write_parquet(folder / "takings.parquet")
    code_counts(lines).write_parquet(folder / CODES, compression="lz4")
    mondays = lines.group_by(pl.col("invoice_time").dt.truncate("1w"))
    counted = mondays.agg(rows=pl.len(), readable=pl.col("reason").is_null().sum())
    counted = counted.select("rows", "readable", week=week_of("invoice_time")).sort("week")
    return {
        "first_row": table.first_row,
        "rows": lines.height,
        "dates": layout,
        "days": [day.isoformat() for day in dates_of(lines["invoice_time"])],
        "weeks": {week: {"rows": rows, "readable": fine} for rows, fine, week in counted.iter_rows()},
        "periods": [
            [period.first.isoformat(), period.last.isoformat(), period.lines]
            for period in periods_of(judged["invoice_time"], int(params["largest_gap_days"]))
        ],
    }
