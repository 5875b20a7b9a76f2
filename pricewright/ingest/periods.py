"""Stretches of time without a gap of so many days: the one with most lines is the period that a source is about."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl


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
