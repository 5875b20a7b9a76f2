"""The shop's weeks: which ones it was open, and which is the last full one.

Weeks start on Monday. A week in which the shop sold nothing at all (Christmas) says nothing about demand: it is no
week of the panel for any SKU, so that the lags after it reach back to the last week the shop was open.
"""

from datetime import date, timedelta

import polars as pl

from pricewright.core.errors import SourceError

WEEK = timedelta(weeks=1)


def monday(time: pl.Expr) -> pl.Expr:
    """The Monday of the week that a time lies in, as a date."""
    return time.dt.truncate("1w").dt.date()


def open_weeks(transactions: pl.DataFrame, last_week: date | None = None) -> pl.DataFrame:
    """One row per week with a sale, up to the last full one: week, t (0, 1, ...), selling_days; then the coming week.

    The coming week is the Monday after the last full one and has no selling_days. `last_week` names the last full
    week instead of looking for it. Closed weeks are left out. Raises SourceError when there is no transaction.
    """
    if transactions.is_empty():
        raise SourceError("there are 0 accepted transactions: a panel needs some.", "see the quarantine for reasons.")
    days = transactions.select(day=pl.col("invoice_time").dt.date()).unique()
    weeks = (
        days.group_by(week=monday(pl.col("day")))
        .agg(selling_days=pl.len().cast(pl.Int64), last_day=pl.col("day").dt.weekday().max())
        .sort("week")
    )
    last = last_week or last_full_week(weeks)
    full = weeks.filter(pl.col("week") <= last).select("week", "selling_days")
    coming = pl.DataFrame({"week": [last + WEEK], "selling_days": [None]}, schema=full.schema)
    return pl.concat([full, coming]).with_row_index("t").with_columns(pl.col("t").cast(pl.Int64))


def last_full_week(weeks: pl.DataFrame) -> date:
    """The last week that reached the usual last selling weekday (the median of the weeks before it).

    weeks: week, last_day (1 = Monday ... 7), in order. A file that ends on a Wednesday has cut its last week off when
    the shop usually sells until Sunday, and not when it never sells after Wednesday.
    """
    newest = weeks.row(-1, named=True)
    usual = weeks["last_day"].head(-1).median()
    cut_off = usual is not None and newest["last_day"] < usual
    last: date = newest["week"]
    return last - WEEK if cut_off else last
