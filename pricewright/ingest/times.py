"""Reads dates with one order of day, month and year per column, and finds the period that most lines lie in."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import polars as pl

from pricewright.core.errors import SourceError

WEEK, MONTH = 7, 30  # days
FEWEST = 4  # dates from which a step is seen
MOST_DATES = 200  # of monthly totals: no source of more different days has them
YEAR_FIRST = ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d")
DAY_FIRST = ("%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y", "%d/%m/%y", "%d.%m.%y", "%d-%m-%y")
MONTH_FIRST = ("%m/%d/%Y", "%m.%d.%Y", "%m-%d-%Y", "%m/%d/%y", "%m.%d.%y", "%m-%d-%y")
NAMED = (
    "%d %B %Y",
    "%d-%B-%Y",
    "%d-%B-%y",
    "%d/%B/%Y",
    "%B %d %Y",
    "%Y-%B-%d",
    "%d%B%Y",
    "%d %B %y",
)  # and short names
WEEKS = ("%G-W%V-%u", "%GW%V-%u", "%G W%V-%u", "%G%V-%u")  # a week is its Monday
MONTHS = (
    "%Y-%m-%d",
    "%Y/%m-%d",
    "%Y%m-%d",
    "%m/%Y-%d",
    "%m-%Y-%d",
    "%m.%Y-%d",
    "%B %Y-%d",
    "%B-%Y-%d",
    "%B-%y-%d",
    "%Y %B-%d",
)  # a month is its first day
YEARS = (1900, 2100)
EXCEL_DAYS = (18264, 73050)  # 1950 to 2100, as days since 1899-12-30
EXCEL = "days since 1899-12-30"
COMPACT, COMPACT_MONTHS = (19000101, 21001231), (190001, 210053)  # 20111209 and 201112 as numbers
SLASHED = r"^\s*(\d{1,2})[/.-](\d{1,2})[/.-]\d{2}(?:\d{2})?\b"
SERIAL = r"^\d{5}(?:[.,]\d+)?$"  # Excel's days, written as text
# What may follow a clock: UTC, an offset, the name of a zone, in short or in brackets.
ZONE = (
    r"(\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?: ?[aApP]\.?[mM]\.?)?)"
    r" ?(?:[zZ]|(?:UTC|GMT)?[+-]\d{2}(?::?\d{2})?|[A-Za-z]{3,5})?(?: ?\[[^\]]*\])?(?: ?\([^)]*\))?$"
)
WEEKDAY = r"(?i)^(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?\.? "
# Clocks with other signs, after a date: 10.39, 10h39, 10.39.12; then those without any, and dates without any.
FRACTION = r"(:\d{2})[.,]\d+"
DOTTED_SECONDS = r"(\S ?) (\d{1,2}) ?[.:hH] ?(\d{2}) ?[.:mM'] ?(\d{2})(?: ?s)?([.,]\d+)?( ?[a-zA-Z+\[(].*)?$"
DOTTED = r"(\S ?) (\d{1,2}) ?[.hH] ?(\d{2})(?: ?min)?( ?[a-zA-Z+\[(].*)?$"
HOUR = r"(\S ?) (\d{1,2}) ?(?:[hH]|(?P<half> ?[aApP]\.?[mM]\.?))$"
BARE = r"^([\d/.-]{6,}|.* \d{4}) (\d{2})(\d{2})(\d{2})?(?:[.,]\d+)?[zZ]?$"
RUN_ON = r"^(\d{8})(\d{4}(?:\d{2})?)$"
ASSUMED = "assumed: no date says whether day or month comes first; --param ingest.day_first={other}"
CLOCK = r"^(?<hour>\d{1,2}):(?<minute>\d{2})(?::(?<second>\d{2})(?:\.\d+)?)? ?(?<half>[aApP]?)\.?[mM]?\.?$"


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


def read_times(column: pl.Series, day_first: bool) -> tuple[pl.Series, str]:
    """The values as datetime[us], null where unreadable, and the layout of their days. Never raises.

    `day_first` decides between d/m and m/d where both read equally many values. Times are the shop's wall clock:
    an offset from UTC or a zone is left away. Fractions of a second too.
    """
    if isinstance(column.dtype, pl.Datetime):
        return column.dt.replace_time_zone(None).cast(pl.Datetime("us")), "dates"
    if column.dtype == pl.Date:
        return column.cast(pl.Datetime("us")), "dates"
    if column.dtype.is_numeric():
        numbers = column.cast(pl.Float64)
        if any(numbers.is_between(*bounds).all() for bounds in (COMPACT, COMPACT_MONTHS)):
            return _read_text(column.cast(pl.Int64).cast(pl.String), day_first)
        return _read_excel_days(numbers), EXCEL
    if column.dtype == pl.String:
        return _read_text(column, day_first)
    return pl.Series(column.name, [None] * len(column), dtype=pl.Datetime("us")), "none"


def read_clock(column: pl.Series) -> pl.Series:
    """Times of day as durations, null where unreadable: as read_times has them, 1039 or 10.39 too, a part of a day."""
    if column.dtype == pl.Time:
        return column.cast(pl.Duration("us"))
    if isinstance(column.dtype, pl.Datetime):
        return column.dt.time().cast(pl.Duration("us"))
    if column.dtype.is_numeric():
        part = column.cast(pl.Float64)
        if part.is_between(0, 1, closed="left").all():
            return ((part * 86400).round() * 1_000_000).cast(pl.Int64).cast(pl.Duration("us"))
        hundredths = (part * 100).round() if (part % 1 != 0).any() else part  # 10.39 is a quarter to eleven's minute
        column = hundredths.cast(pl.Int64, strict=False).cast(pl.String)
    if column.dtype != pl.String:
        return pl.Series(column.name, [None] * len(column), dtype=pl.Duration("us"))
    day = "2000-01-01"  # a clock is read as it is beside any date
    times, _ = _read_text(day + " " + _padded(column.str.strip_chars()), True)
    return times.dt.time().cast(pl.Duration("us"))


def _padded(texts: pl.Series) -> pl.Series:
    """Clocks with all their digits: 939 is 0939, 9.5 (of a spreadsheet) is 9.50, and 9 in a column of hours 0900."""
    texts = texts.str.replace(r"^(\d{1,2}\.\d)$", "${1}0")
    bare = texts.str.contains(r"^\d{1,6}$").fill_null(False)
    numbers = texts.set(~bare, None).cast(pl.Int64)
    largest = numbers.max()
    if largest is None:
        return texts
    digits = 2 if largest < 24 else 4 if largest < 2400 else 6  # type: ignore[operator]
    full = numbers.cast(pl.String).str.zfill(digits) + ("00" if digits == 2 else "")
    return full.fill_null(texts)


def day_balance(column: pl.Series) -> int:
    """How many more of the different texts are like 13/4/2011 than like 4/13/2011.

    1 or -1 where there are none of either, and only with the day or only with the month first the dates are those of
    weeks or months.
    """
    pair = column.unique().str.extract_groups(SLASHED).struct
    first, second = (pair.field(name).cast(pl.Int64) > 12 for name in ("1", "2"))
    if first.any() or second.any():
        return int(first.sum()) - int(second.sum())
    days = column.unique().str.extract(SLASHED, 0).drop_nulls().unique()
    steps = [usual_step(_read_days(days, order)[0]) for order in (True, False)]
    return (steps[0] is not None) - (steps[1] is not None) if len(days) else 0


def say_layout(layout: str, balance: int) -> str:
    """The layout, and that it is a guess where the balance of all dates is 0."""
    if balance or layout not in (*DAY_FIRST, *MONTH_FIRST):
        return layout
    return f"{layout} ({ASSUMED.format(other=str(layout in MONTH_FIRST).lower())})"


def decide_order(balance: int, otherwise: bool) -> bool:
    """Whether the day comes first, by the sum of all columns' balances."""
    return balance > 0 if balance else otherwise


def _read_text(column: pl.Series, day_first: bool) -> tuple[pl.Series, str]:
    """Each different text is read once, in the layout that reads most of them."""
    different = column.unique(maintain_order=True).drop_nulls()
    plain = _with_colons(different)
    plain = plain.str.replace(ZONE, "${1}").str.replace(WEEKDAY, "").str.replace(r"(\d)(?:st|nd|rd|th)\b", "${1}")
    day, layout = _read_days(plain.str.extract(r"^(.*?)(?: \d{1,2}:.*)?$"), day_first)
    clock = _read_clock(plain.str.extract(r" (\d{1,2}:.*)$"))
    times = day.cast(pl.Datetime("us")) + clock
    serial = different.str.strip_chars().set(~different.str.strip_chars().str.contains(SERIAL), None)
    if serial.count():
        serial_times = _read_excel_days(serial.str.replace(",", ".", literal=True).cast(pl.Float64, strict=False))
        times, layout = times.fill_null(serial_times), EXCEL if layout == "none" else layout
    return column.replace_strict(different, times, default=None, return_dtype=pl.Datetime("us")), layout


def _with_colons(texts: pl.Series) -> pl.Series:
    """The texts with single blanks, and with clocks as 10:39 or 10:39:12."""
    plain = texts.str.replace(FRACTION, "${1}").str.replace_all(r"[\s,]+", " ").str.strip_chars()
    plain = plain.str.replace(RUN_ON, "${1} ${2}").str.replace(r"(\d)[tT](\d)", "${1} ${2}")
    plain = plain.str.replace(DOTTED_SECONDS, "${1} ${2}:${3}:${4}${6}").str.replace(DOTTED, "${1} ${2}:${3}${4}")
    plain = plain.str.replace(HOUR, "${1} ${2}:00${half}")
    return plain.str.replace(BARE, "${1} ${2}:${3}:${4}").str.replace(r":$", "")


def _read_days(texts: pl.Series, day_first: bool) -> tuple[pl.Series, str]:
    """The days, and the layout that reads most of them; weeks and months only where no day can be read."""
    slashed = (*DAY_FIRST, *MONTH_FIRST) if day_first else (*MONTH_FIRST, *DAY_FIRST)
    best, found = _best(texts, (*YEAR_FIRST, *slashed, *NAMED))
    if found != "none" or not texts.count():
        return best, found
    for days, layouts in ((texts, WEEKS), (texts + "-1", (*WEEKS[:3], *MONTHS, *WEEKS[3:]))):
        best, found = _best(days, layouts)
        if found != "none":
            break
    return best, found.removesuffix("-%d").removesuffix("-%u")


def _best(texts: pl.Series, layouts: Iterable[str]) -> tuple[pl.Series, str]:
    best, found = pl.Series([None] * len(texts), dtype=pl.Date), "none"
    for layout in layouts:
        days = texts.str.to_date(layout, strict=False)
        days = days.set(~days.dt.year().is_between(*YEARS).fill_null(True), None)
        if days.count() > best.count():
            best, found = days, layout
    return best, found


def _read_clock(texts: pl.Series) -> pl.Series:
    """Durations since midnight: zero where no clock is given, null where it cannot be read."""
    parts = texts.str.extract_groups(CLOCK).struct.unnest()
    hour, minute, second = (pl.col(name).cast(pl.Int64) for name in ("hour", "minute", "second"))
    half = pl.col("half").str.to_lowercase()
    whole = pl.when(half == "").then(hour).otherwise(hour % 12 + pl.when(half == "p").then(12).otherwise(0))
    valid = (whole < 24) & (minute < 60) & (second.fill_null(0) < 60)
    clock = pl.when(valid).then(pl.duration(hours=whole, minutes=minute, seconds=second.fill_null(0)))
    read = parts.select(clock.alias("clock").cast(pl.Duration("us")))["clock"]
    return (
        read.to_frame()
        .select(pl.when(texts.is_null()).then(pl.duration(hours=0)).otherwise(pl.col("clock")).cast(pl.Duration("us")))
        .to_series()
    )


def _read_excel_days(days: pl.Series) -> pl.Series:
    """Excel's days since 1899-12-30; null outside of 1950 to 2100."""
    known = days.set(~days.is_between(*EXCEL_DAYS).fill_null(False), None)
    microseconds = ((known - 25569) * 86400).round() * 1_000_000  # day 25569 is 1970-01-01
    return microseconds.cast(pl.Int64).cast(pl.Datetime("us"))
