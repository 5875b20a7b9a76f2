"""Columns of text: codes, invoices, customers, whatever type the file gave them."""

from collections.abc import Sequence

import polars as pl


def read_texts(column: pl.Series, missing: Sequence[str]) -> pl.Series:
    """The values as stripped text; null where blank or one of `missing` (in lower case). Numbers lose a `.0`.

    To write numbers and times as text is dear, so each different one is written once.
    """
    if column.dtype.is_nested():
        return pl.Series(column.name, [None] * len(column), dtype=pl.String)
    if column.dtype == pl.String:
        return _without_missing(column.str.strip_chars(), missing)
    if column.dtype.is_float():
        column = _whole(column.fill_nan(None))
    different = column.unique().drop_nulls()
    written = _without_missing(different.cast(pl.String, strict=False).str.strip_chars(), missing)
    texts = pl.DataFrame({"value": different, "text": written})
    read = column.alias("value").to_frame().join(texts, on="value", how="left", maintain_order="left")
    return read["text"].alias(column.name)


def _whole(column: pl.Series) -> pl.Series:
    """Whole numbers as integers, for those of 17 digits and more are written as 4.0e16; others as they are."""
    whole = column.cast(pl.Int64, strict=False)
    return whole if (whole.cast(column.dtype) == column).all() else column


def _without_missing(text: pl.Series, missing: Sequence[str]) -> pl.Series:
    if text.str.contains(".0", literal=True).any():  # a look that costs a sixth of the replacing
        text = text.str.replace(r"^(-?\d+)\.0+$", "${1}")
    short = text.str.len_chars() <= max(map(len, missing), default=0)  # few are: no others need to be looked at
    found = text.filter(short.fill_null(False)).unique()
    absent = found.filter(found.str.to_lowercase().is_in(["", *missing]))
    return text.set(text.is_in(absent.implode()).fill_null(False), None) if len(absent) else text
