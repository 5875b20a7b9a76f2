"""Stretches of time without a gap of so many days: the one with most lines is the period that a source is about."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import polars as pl

from pricewright.core.errors import SourceError

WEEK, MONTH = 7, 30  # days
FEWEST = 4  # dates from which a step is seen
MOST_DATES = 200  # of monthly totals: no source of more different days has them


@dataclass(frozen=True)
class Period:
    """First and last time of its lines, and how many lines there are."""

    first: datetime
    last: datetime
    lines: int


def periods_of(times: pl.Series, gap_days: int) -> list[Period]:
    """The periods of lines at these times, in order; they are apart by more than `gap_days` days."""
    ordered = times.drop_nulls().sort().to_frame("time")
    number = (pl.col("time").diff() > timedelta(days=gap_days)).fill_null(False).cum_sum()
    spans = ordered.group_by(number.alias("period")).agg(
        first=pl.col("time").first(), last=pl.col("time").last(), lines=pl.len()
    )
    return [Period(*span) for span in spans.sort("period").select("first", "last", "lines").iter_rows()]


def join_periods(parts: Iterable[Period], gap_days: int) -> list[Period]:
    """The periods of several tables as those of all their lines together; a line that two tables hold counts twice."""
    joined: list[Period] = []
    for part in sorted(parts, key=lambda part: part.first):
        if joined and part.first - joined[-1].last <= timedelta(days=gap_days):
            before = joined.pop()
            joined.append(Period(before.first, max(before.last, part.last), before.lines + part.lines))
        else:
            joined.append(part)
    return joined


def main_period(periods: Sequence[Period]) -> Period | None:
    """The period with most lines, of equal ones the latest; None where there is none."""
    return max(periods, key=lambda period: (period.lines, period.first), default=None)


def usual_step(days: pl.Series) -> int | None:
    """WEEK or MONTH, where nine of ten different dates are so far from the one before; else None."""
    gaps = days.drop_nulls().unique().sort().diff().dt.total_days().drop_nulls()
    if len(gaps) < FEWEST - 1:
        return None
    for step, near in ((WEEK, gaps == WEEK), (MONTH, gaps.is_between(28, 31))):
        if near.sum() >= 0.9 * len(gaps):
            return step
    return None


def dates_of(times: pl.Series) -> list[date]:
    """The different dates, none of them where there are more than MOST_DATES."""
    days = times.dt.date().drop_nulls().unique().sort()
    return days.to_list() if len(days) <= MOST_DATES else []


def check_step(parts: Iterable[Sequence[date]], name: str) -> None:
    """Raises SourceError when the dates of all tables together are those of monthly totals; see dates_of."""
    parts = list(parts)
    days = pl.Series(sorted({day for part in parts for day in part}), dtype=pl.Date)
    if all(parts) and usual_step(days) == MONTH:
        raise SourceError(
            f"{name} has a row a month: its {len(days)} dates, {days[0]} to {days[-1]}, are a month apart. Weekly or "
            "daily sales are needed, for prices change within a month.",
            "export the sales by week, by day or by receipt.",
        )
