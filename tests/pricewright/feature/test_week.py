"""Weeks begin on Monday; which are open, and which is the last full one."""

from collections.abc import Callable
from datetime import date, timedelta

import polars as pl
import pytest

from pricewright.feature.week import open_weeks

FIRST = date(2024, 1, 1)


def shop(sold: Callable[..., pl.DataFrame], weekdays: list[int], weeks: int, last_weekdays: list[int]) -> pl.DataFrame:
    """A sale on each of the weekdays (0 = Monday) of `weeks` weeks, and on others of one more week."""
    days = [FIRST + timedelta(weeks=week, days=day) for week in range(weeks) for day in weekdays]
    days += [FIRST + timedelta(weeks=weeks, days=day) for day in last_weekdays]
    return sold(*((f"{day}T10:00", "20001", 1, 1.0) for day in days))


@pytest.mark.parametrize(
    ("weekdays", "last_weekdays", "full"),
    [
        ([0, 1, 2, 3, 4, 6], [0, 1, 2, 3, 4, 6], True),
        ([0, 1, 2, 3, 4, 6], [0, 1, 2, 3, 4], False),  # Saturday is always closed: Sunday's sales are missing
        ([0, 1, 2, 3, 4], [0, 1, 2, 3, 4], True),  # never open on weekends
        ([0, 1, 2, 3, 4], [0, 1], False),
        ([5], [5], True),  # a market stall
    ],
)
def test_the_last_week_counts_when_it_reached_the_usual_last_selling_day(
    sold: Callable[..., pl.DataFrame], weekdays: list[int], last_weekdays: list[int], full: bool
) -> None:
    weeks = open_weeks(shop(sold, weekdays, 6, last_weekdays))
    assert weeks["week"][-1] == FIRST + timedelta(weeks=7 if full else 6)
    assert weeks["t"].to_list() == list(range(weeks.height))
    assert weeks["selling_days"].to_list() == [len(weekdays)] * (weeks.height - 1) + [None]


def test_a_week_without_any_sale_is_no_week_of_the_shop(sold: Callable[..., pl.DataFrame]) -> None:
    lines = shop(sold, [0, 6], 6, [0, 6]).filter(pl.col("invoice_time").dt.week() != 3)
    weeks = open_weeks(lines)["week"].to_list()
    assert FIRST + timedelta(weeks=2) not in weeks
    assert len(weeks) == 6 + 1


def test_a_named_last_week_is_taken_at_its_word(sold: Callable[..., pl.DataFrame]) -> None:
    weeks = open_weeks(shop(sold, [0, 6], 6, [0]), last_week=FIRST + timedelta(weeks=2))
    assert weeks["week"].to_list() == [FIRST + timedelta(weeks=i) for i in range(4)]


def test_the_first_week_of_a_shop_is_full(sold: Callable[..., pl.DataFrame]) -> None:
    assert open_weeks(shop(sold, [0], 0, [2])).height == 2
