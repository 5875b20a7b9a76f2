"""Columns of text: codes, invoices, customers, whatever type the file gave them."""

from collections.abc import Sequence

import polars as pl


def read_texts(column: pl.Series, missing: Sequence[str]) -> pl.Series:
    """The values as stripped text; null where blank or one of `missing` (in lower case). Numbers lose a `.0`."""
    if column.dtype.is_float():
        column = column.fill_nan(None)
    if column.dtype.is_nested():
        return pl.Series(column.name, [None] * len(column), dtype=pl.String)
    text = column.cast(pl.String, strict=False).str.strip_chars()
    if column.dtype.is_float() or column.dtype == pl.String:
        text = text.str.replace(r"^(-?\d+)\.0+$", "${1}")
    absent = text.str.to_lowercase().is_in(["", *missing])
    return text.set(absent.fill_null(False), None)
