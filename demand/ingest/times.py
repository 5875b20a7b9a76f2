"""Columns of dates: one format for the whole column, never one per row, or 3/4 would be March here and April there."""

from itertools import product

import polars as pl

ISO = ("%Y-%m-%d", "%Y/%m/%d", "%Y%m%d", "%Y.%m.%d")
DAY_FIRST = ("%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y", "%d/%m/%y", "%d.%m.%y", "%d-%m-%y")
MONTH_FIRST = ("%m/%d/%Y", "%m.%d.%Y", "%m-%d-%Y", "%m/%d/%y", "%m.%d.%y", "%m-%d-%y")
NAMED = ("%d %b %Y", "%d-%b-%Y", "%d-%b-%y", "%d %B %Y", "%b %d %Y", "%B %d %Y")
CLOCKS = ("", " %H:%M:%S", " %H:%M", " %H:%M:%S%.f", " %I:%M:%S %p", " %I:%M %p")
EXCEL_DAYS = (18264, 73050)  # 1950 to 2100, as days since 1899-12-30


def read_times(column: pl.Series, day_first: bool) -> tuple[pl.Series, str]:
    """The values as datetime[us], null where unreadable, and the format that was found. Never raises.

    `day_first` decides between d/m and m/d only where both read equally many values.
    """
    if isinstance(column.dtype, pl.Datetime):
        return column.dt.replace_time_zone(None).cast(pl.Datetime("us")), "dates"
    if column.dtype == pl.Date:
        return column.cast(pl.Datetime("us")), "dates"
    if column.dtype == pl.String:
        return _read_text(column, day_first)
    if column.dtype.is_numeric():
        return _read_days(column.cast(pl.Float64)), "Excel's days"
    return pl.Series(column.name, [None] * len(column), dtype=pl.Datetime("us")), "none"


def _read_text(column: pl.Series, day_first: bool) -> tuple[pl.Series, str]:
    """The format that reads most of the different texts; each text is read once."""
    different = column.unique(maintain_order=True).drop_nulls()
    plain = different.str.strip_chars().str.replace("T", " ", literal=True).str.replace(r"(?:Z|[+-]00:?00)$", "")
    plain = plain.str.replace_all(",", " ", literal=True).str.replace_all(r"\s+", " ")
    best, found = pl.Series([None] * len(plain), dtype=pl.Datetime("us")), "none"
    for layout in _layouts(plain, day_first):
        times = plain.str.to_datetime(layout, strict=False, time_unit="us")
        if times.count() > best.count():
            best, found = times, layout
        if best.count() == len(plain):
            break
    return column.replace_strict(different, best, default=None, return_dtype=pl.Datetime("us")), found


def _layouts(plain: pl.Series, day_first: bool) -> list[str]:
    """The formats worth trying, in order of preference: those that read one of the first texts or one of the last."""
    slashed = (*DAY_FIRST, *MONTH_FIRST) if day_first else (*MONTH_FIRST, *DAY_FIRST)
    every = [f"{day}{clock}" for day, clock in product((*ISO, *slashed, *NAMED), CLOCKS)]
    some = pl.concat([plain.head(500), plain.tail(500)])
    return [layout for layout in every if some.str.to_datetime(layout, strict=False, time_unit="us").count()]


def _read_days(days: pl.Series) -> pl.Series:
    """Excel's days since 1899-12-30; null outside of 1950 to 2100."""
    known = days.set(~days.is_between(*EXCEL_DAYS).fill_null(False), None)
    microseconds = ((known - 25569) * 86400).round() * 1_000_000  # 25569: 1970-01-01
    return microseconds.cast(pl.Int64).cast(pl.Datetime("us"))
