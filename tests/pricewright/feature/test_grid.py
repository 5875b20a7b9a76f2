"""Zero weeks, carried prices and usual prices."""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest

from pricewright.feature import build_panel

FIRST = date(2024, 1, 1)


def weekly(sold: Callable[..., pl.DataFrame], prices: Mapping[str, list[float | None]]) -> pl.DataFrame:
    """One unit of each SKU in each week that has a price, on Monday; another SKU keeps the shop open."""
    sales = [
        (f"{FIRST + timedelta(weeks=week)}", code, 1, price)
        for code, path in prices.items()
        for week, price in enumerate(path)
        if price is not None
    ]
    return sold(*sales)


@pytest.fixture
def rows(sold: Callable[..., pl.DataFrame], params: Mapping[str, Any]) -> pl.DataFrame:
    prices = {"A": [None, 2.0, None, None, 3.0, None, 4.0, 4.0], "B": [1.0] * 8}
    panel = build_panel(weekly(sold, prices), {**params, "min_selling_weeks": 2, "reference_weeks": 3})
    assert panel.coming["week"].unique().to_list() == [FIRST + timedelta(weeks=8)]
    return panel.rows.filter(pl.col("stock_code") == "A")


def test_zero_weeks_are_filled_from_the_first_sale_on(rows: pl.DataFrame) -> None:
    assert rows["week"].to_list() == [FIRST + timedelta(weeks=week) for week in range(1, 8)]
    assert rows["units"].to_list() == [1, 0, 0, 1, 0, 1, 1]
    assert rows["sold"].to_list() == [True, False, False, True, False, True, True]
    assert rows["orders"].to_list() == rows["customers"].to_list() == rows["units"].to_list()


def test_the_price_of_the_last_sale_is_carried_through_the_weeks_without_one(rows: pl.DataFrame) -> None:
    assert rows["price"].to_list() == [2, 2, 2, 3, 3, 4, 4]
    assert rows["last_price"].to_list() == [2, 2, 2, 2, 3, 3, 4]


def test_the_reference_price_is_the_median_of_the_weeks_before(rows: pl.DataFrame) -> None:
    assert rows["reference_price"].to_list() == [2, 2, 2, 2, 2, 3, 3]


def test_a_closed_week_is_skipped_and_lags_reach_behind_it(
    sold: Callable[..., pl.DataFrame], params: Mapping[str, Any]
) -> None:
    lines = weekly(sold, {"A": [1.0, 1.0, None, 1.0, 1.0]}).with_columns(units=pl.int_range(1, 5), quantity=4)
    panel = build_panel(lines, {**params, "min_selling_weeks": 2})
    assert panel.counts["closed_weeks"] == 1
    assert panel.rows["week"].to_list() == [FIRST + timedelta(weeks=week) for week in (0, 1, 3, 4)]
    assert panel.rows["log_units_lag_1"].exp().round(3).to_list() == [1, 2, 3, 4]
    assert panel.rows["units"].to_list() == [1, 2, 3, 4]
