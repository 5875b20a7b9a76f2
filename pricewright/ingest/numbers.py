"""Columns of numbers: 2.55, "2,55", "1,234.50", "£2.55", "(3)"; what a comma means is decided over the whole column."""

import re

import polars as pl

CURRENCY = r"(?i)^\s*(?:[a-z]{3}\s|[$€£¥₹]|chf|eur|usd|gbp)|(?:\s[a-z]{3}|[$€£¥₹]|chf|eur|usd|gbp)\s*$"
GROUPS = r"^-?\d{1,3}(?:%s\d{3})+$"
NUMBER = r"^-?(?:\d+|\d{1,3}(?:%s\d{3})+)?(?:%s\d*)?(?:[eE][+-]?\d+)?$"


def read_numbers(column: pl.Series) -> pl.Series:
    """The values as f64, null where they are no finite number. Never raises."""
    if column.dtype.is_numeric():
        number = column.cast(pl.Float64, strict=False)
    elif column.dtype == pl.String:
        number = _read_text(column)
    else:
        number = pl.Series(column.name, [None] * len(column), dtype=pl.Float64)
    return number.set(~number.is_finite().fill_null(True), None)


def _read_text(column: pl.Series) -> pl.Series:
    """Each different text is read once; prices and quantities repeat."""
    different = column.unique(maintain_order=True).drop_nulls()
    plain = _without_signs(different)
    decimal = decimal_sign(plain)
    group = "," if decimal == "." else "."
    well_formed = plain.str.contains(NUMBER % (re.escape(group), re.escape(decimal)))
    plain = (
        plain.set(~well_formed, None).str.replace_all(group, "", literal=True).str.replace(decimal, ".", literal=True)
    )
    values = plain.cast(pl.Float64, strict=False)
    return column.replace_strict(different, values, default=None, return_dtype=pl.Float64)


def _without_signs(text: pl.Series) -> pl.Series:
    """Without currency, blanks and apostrophes between digits; brackets and a minus behind become a minus."""
    text = text.str.strip_chars().str.replace_all(CURRENCY, "").str.replace_all(r"[\s\u00a0\u202f'’]", "")
    text = text.str.replace(r"^\((.*)\)$", "-${1}").str.replace(r"^(.*\d)-$", "-${1}").str.replace("−", "-")
    return text.str.replace(r"^(-?)[$€£¥₹]", "${1}")


def decimal_sign(plain: pl.Series) -> str:
    """`,` or `.`: the later one where a value holds both; a lone sign is decimal unless all values show thousands."""
    both = plain.filter(plain.str.contains(",", literal=True) & plain.str.contains(".", literal=True))
    if len(both):
        comma_last = (
            both.str.reverse().str.find(",", literal=True) < both.str.reverse().str.find(".", literal=True)
        ).sum()
        return "," if comma_last > len(both) / 2 else "."
    commas = plain.filter(plain.str.contains(",", literal=True))
    dots = plain.filter(plain.str.contains(".", literal=True))
    if len(commas):
        return "." if bool(commas.str.contains(GROUPS % ",").all()) else ","
    several_dots = len(dots) and bool(dots.str.contains(r"\..*\.").any())
    return "," if several_dots and bool(dots.str.contains(GROUPS % r"\.").all()) else "."
