"""Where in the year a week lies. Known of any week in advance, so it may be the row's own week."""

from math import tau

import polars as pl

YEAR_DAYS = 365.25
ADVENT_WEEKS = 16  # from September on Christmas is in sight

PHASE = tau * pl.col("week").dt.ordinal_day().cast(pl.Float64) / YEAR_DAYS
CHRISTMAS = pl.date(pl.col("week").dt.year(), 12, 25)
WEEKS_TO_CHRISTMAS = (CHRISTMAS - pl.col("week")).dt.total_days() / 7
DAYS_BEFORE = pl.col("selling_days").shift(1)  # in the week before

CALENDAR: dict[str, pl.Expr] = {
    "year_sin": PHASE.sin(),
    "year_cos": PHASE.cos(),
    "christmas_weeks": WEEKS_TO_CHRISTMAS.clip(-1, ADVENT_WEEKS),
    "month_part": (pl.col("week").dt.day() - 1) / 31,
    "holiday_days_before": DAYS_BEFORE.rolling_max(13, min_samples=1) - DAYS_BEFORE,
}


def calendar_weeks(weeks: pl.DataFrame) -> pl.DataFrame:
    """One row per open week and the coming one: week and CALENDAR; `weeks` as open_weeks gives them."""
    return weeks.sort("week").select("week", **CALENDAR)
