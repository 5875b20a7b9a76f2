"""Weekly sales of a SKU: what counts as units, price, order and customer."""

from collections.abc import Callable
from datetime import date, timedelta

import polars as pl
import pytest

from pricewright.feature.panel import NOBODY, gather, weeks_of
from pricewright.feature.panel_builder import PanelBuilder
from pricewright.feature.sales import open_weeks, read_sales, repeat_customers

FEATURE = {"reference_weeks": 26, "family_code_length": 4, "stockout_probability": 0.001}
Sold = Callable[..., pl.DataFrame]
MONDAYS = ("2024-01-01", "2024-01-08", "2024-01-15", "2024-01-22")
PRICES = (2.0, 2.0, 1.8, 2.0)


def weekly_sales(lines: pl.DataFrame) -> pl.DataFrame:
    """One row per SKU and week with a sale, in order, with its list price and the customers who came again."""
    weeks = read_sales(lines)
    codes = sorted({code for week in weeks for code in week.sales["stock_code"]})
    again = gather(repeat_customers([week.buyers.lazy() for week in weeks], 0, codes, 100))
    builder = PanelBuilder(codes, weeks_of([week.days for week in weeks], weeks[-1].week), FEATURE)
    found = []
    for t, week in enumerate(weeks):
        rows = builder.step(week, again.get(t, NOBODY)).select("stock_code", "week", "price", "list_price")
        mine = week.sales.join(rows, on="stock_code").join(again.get(t, NOBODY), on="stock_code", how="left")
        found.append(mine.with_columns(pl.col("repeat_customers").fill_null(0)))
    return pl.concat(found).sort("stock_code", "week")


def test_the_price_is_the_median_line_so_that_a_bulk_order_does_not_move_it(sold: Sold) -> None:
    lines = sold(("2024-01-01", "A", 1, 2.0), ("2024-01-02", "A", 2, 2.0), ("2024-01-03", "A", 5000, 1.2))
    week = weekly_sales(lines).row(0, named=True)
    assert week["price"] == 2.0
    assert week["units"] == 5003
    assert week["largest_order"] == 5000


def test_a_single_odd_line_is_no_new_price_until_a_second_one_confirms_it(sold: Sold) -> None:
    mondays = ("2024-01-01", "2024-01-08", "2024-01-15", "2024-01-22", "2024-01-29", "2024-02-05", "2024-02-12")
    prices = (2.0, 2.0, 1.8, 2.0, 2.0, 2.5, 2.5)
    busy = [(day, "B", 1, 1.0) for day in mondays] * 2
    lines = sold(*[(day, "A", 1, price) for day, price in zip(mondays, prices, strict=True)], *busy)
    weeks = weekly_sales(lines).filter(pl.col("stock_code") == "A")
    assert weeks["list_price"].to_list() == [2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.5]
    assert weeks["price"].to_list() == list(prices)


def test_the_one_line_of_a_total_is_the_price(sold: Sold) -> None:
    lines = sold(*[(day, code, 9, price) for code in "AB" for day, price in zip(MONDAYS, PRICES, strict=True)])
    assert weekly_sales(lines)["list_price"].to_list() == [*PRICES, *PRICES]


def test_prices_that_change_every_week_are_taken_as_they_are(sold: Sold) -> None:
    prices = [2.0, 2.1, 2.25, 2.2, 1.9]
    mondays = ("2024-01-01", "2024-01-08", "2024-01-15", "2024-01-22", "2024-01-29")
    lines = sold(*[(day, "A", 1, price) for day, price in zip(mondays, prices, strict=True)])
    assert weekly_sales(lines)["list_price"].to_list() == prices


def test_of_two_lines_the_one_that_the_week_before_confirms_is_the_price(sold: Sold) -> None:
    lines = sold(("2024-01-01", "A", 1, 2.0), ("2024-01-08", "A", 1, 1.8), ("2024-01-09", "A", 1, 2.0))
    assert weekly_sales(lines)["list_price"].to_list() == [2.0, 2.0]


def test_a_line_cancelled_as_a_whole_is_no_sale_and_sets_no_price(sold: Sold) -> None:
    lines = sold(
        ("2024-01-01", "A", 4, 2.0), ("2024-01-02", "A", 70_000, 9.0), ("2024-01-09", "A", 6, 9.0),
        cancelled=[1, 70_000, 6],
    )  # fmt: skip
    weeks = weekly_sales(lines)
    assert weeks.select("units", "price", "orders").rows() == [(3.0, 2.0, 1.0)]


def test_a_cancellation_of_later_weeks_takes_units_but_nothing_that_was_known(sold: Sold) -> None:
    lines = sold(("2024-01-01", "A", 9, 2.0), ("2024-01-02", "A", 5, 2.0), cancelled=[9, 2], cancelled_in_week=[0, 2])
    week = weekly_sales(lines).row(0, named=True)
    assert (week["units"], week["known_units"], week["orders"]) == (3.0, 12.0, 2.0)


def test_orders_are_invoices_and_a_guest_is_the_customer_of_his_invoice(sold: Sold) -> None:
    lines = sold(
        *[("2024-01-01", "A", 1, 2.0)] * 5,
        invoice=["1", "1", "2", "3", "4"],
        customer_id=["ann", "ann", "ann", None, None],
    )
    week = weekly_sales(lines).row(0, named=True)
    assert (week["orders"], week["customers"], week["guest_orders"], week["registered_units"]) == (4, 3, 2, 3)


def test_a_customer_who_bought_the_sku_in_an_earlier_week_comes_again(sold: Sold) -> None:
    lines = sold(
        ("2024-01-01", "A", 1, 2.0), ("2024-01-02", "A", 1, 2.0), ("2024-01-08", "A", 1, 2.0),
        ("2024-01-08", "A", 1, 2.0), ("2024-01-09", "B", 1, 2.0), customer_id=["ann", "ann", "ann", "bob", "ann"],
    )  # fmt: skip
    again = weekly_sales(lines).select("stock_code", "repeat_customers").rows()
    assert again == [("A", 0), ("A", 1), ("B", 0)]


def test_abroad_is_wherever_the_shop_does_not_sell_most_so_far(sold: Sold) -> None:
    lines = sold(
        *[("2024-01-01", "A", 2, 2.0)] * 3, *[("2024-01-08", "A", 1, 2.0)] * 3,
        country=["France", "France", "Spain", "Spain", "Spain", None],
    )  # fmt: skip
    assert weekly_sales(lines)["abroad_units"].to_list() == [2.0, 0.0]


@pytest.mark.parametrize(("day", "late"), [("2024-01-04", 0.0), ("2024-01-05", 6.0), ("2024-01-07T23:59", 6.0)])
def test_the_end_of_the_week_begins_on_friday(sold: Sold, day: str, late: float) -> None:
    assert weekly_sales(sold((day, "A", 6, 2.0)))["late_units"].to_list() == [late]


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
