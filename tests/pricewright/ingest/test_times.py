"""A column of dates has one order of day and month, and clocks in any form."""

from datetime import UTC, date, datetime

import polars as pl
import pytest

from pricewright.ingest.times import day_balance, decide_order, read_times

READ = {
    "UCI's own CSV": (
        ["12/1/2010 8:26", "12/13/2010 23:59"],
        [datetime(2010, 12, 1, 8, 26), datetime(2010, 12, 13, 23, 59)],
    ),
    "day first": (["01/12/2010 08:26", "13/12/2010"], [datetime(2010, 12, 1, 8, 26), datetime(2010, 12, 13)]),
    "two-digit years": (["1/12/10", "13/12/10"], [datetime(2010, 12, 1), datetime(2010, 12, 13)]),
    "German": (["1.12.2010 8:26:05"], [datetime(2010, 12, 1, 8, 26, 5)]),
    "ISO in several forms": (
        ["2010-12-01", "2010-12-01T08:26:05.123", "2010-12-01 08:26:00+02:00", "2010-12-01T08:26Z"],
        [datetime(2010, 12, 1), datetime(2010, 12, 1, 8, 26, 5), *[datetime(2010, 12, 1, 8, 26)] * 2],
    ),
    "compact": (["20101201"], [datetime(2010, 12, 1)]),
    "names of months": (
        ["9 dec 2011 3:05 PM", "12 OCT 2011 12:00 am"],
        [datetime(2011, 12, 9, 15, 5), datetime(2011, 10, 12)],
    ),
    "American": (["Dec 9, 2011 03:00:00 PM"], [datetime(2011, 12, 9, 15)]),
}


@pytest.mark.parametrize(("texts", "expected"), READ.values(), ids=READ.keys())
def test_dates_are_read_as_they_are_meant(texts: list[str], expected: list[datetime]) -> None:
    assert read_times(pl.Series(texts), day_first=True)[0].to_list() == expected


def test_the_order_of_day_and_month_is_that_of_the_column() -> None:
    times, layout = read_times(pl.Series(["3/4/2011", "4/13/2011"]), day_first=True)
    assert layout == "%m/%d/%Y"
    assert times.to_list() == [datetime(2011, 3, 4), datetime(2011, 4, 13)]


def test_a_date_in_another_order_than_its_column_is_unreadable_not_guessed() -> None:
    times, _ = read_times(pl.Series(["3/4/2011", "4/13/2011", "4/14/2011", "15/4/2011"]), day_first=True)
    assert times.to_list()[3] is None


@pytest.mark.parametrize(("day_first", "month"), [(True, 4), (False, 3)])
def test_the_parameter_decides_where_no_date_does(day_first: bool, month: int) -> None:
    assert read_times(pl.Series(["3/4/2011"]), day_first)[0][0].month == month


def test_files_that_decide_speak_for_those_that_do_not() -> None:
    undecided, american = pl.Series(["3/4/2011"]), pl.Series(["4/13/2011"])
    assert not decide_order(day_balance(undecided) + day_balance(american), otherwise=True)
    assert decide_order(day_balance(undecided), otherwise=True)


@pytest.mark.parametrize("text", ["2011-02-30", "2011-01-01 25:00", "2011-01-01 10:61", "soon", "0211-01-01", "", None])
def test_what_is_no_date_is_null(text: str | None) -> None:
    times, _ = read_times(pl.Series(["2011-01-01", text]), day_first=True)
    assert times.to_list() == [datetime(2011, 1, 1), None]


def test_columns_that_hold_times_already_are_kept() -> None:
    midnight = datetime(2011, 1, 1)
    assert read_times(pl.Series([date(2011, 1, 1)]), True)[0].to_list() == [midnight]
    assert read_times(pl.Series([midnight]).cast(pl.Datetime("ms")), True)[0].to_list() == [midnight]
    in_zone = pl.Series([datetime(2011, 1, 1, 12, tzinfo=UTC)]).dt.convert_time_zone("Asia/Tokyo")
    assert read_times(in_zone, True)[0].to_list() == [datetime(2011, 1, 1, 21)]  # the wall clock


def test_days_as_numbers_are_excels_or_compact() -> None:
    assert read_times(pl.Series([40513.351388888892, 7.0, None]), True)[0].to_list() == [
        datetime(2010, 12, 1, 8, 26),
        None,
        None,
    ]
    assert read_times(pl.Series([20111209, None]), True)[0].to_list() == [datetime(2011, 12, 9), None]
    assert read_times(pl.Series([True, False]), True)[0].to_list() == [None, None]
