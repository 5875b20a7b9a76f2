"""Codes of products as a spreadsheet may have spoilt them."""

import polars as pl

from pricewright.core.errors import SourceError
from pricewright.ingest.table import Table

ROUNDED = r"^\d(?:[.,]\d+)?[eE]\+\d+$"  # 4.00638E+12: what a spreadsheet shows of a long number


def check_codes(table: Table, column: str, codes: pl.Series, different: pl.Series) -> None:
    """Raises SourceError when a spreadsheet rounded codes (of which `different` has each once): products became one."""
    if different.str.contains(ROUNDED).any():
        rounded = codes.str.contains(ROUNDED).fill_null(False)
        first = rounded.arg_max() or 0
        raise SourceError(
            f"{table.name}: the column {column!r} (stock_code) holds {rounded.sum()} codes that a spreadsheet rounded "
            f"(first: row {table.row(first)}, {codes[first]!r}): different products have become one.",
            "format the column as text in the spreadsheet, and export it again.",
        )
