"""Simple forecasts look back and never at the week itself."""

from datetime import date, timedelta

import polars as pl
import pytest

from bench.real_weeks import simple_forecasts


def test_simple_forecasts_are_made_of_the_weeks_before() -> None:
    weeks = [date(2024, 1, 1) + timedelta(weeks=i) for i in range(6)]
    panel = pl.DataFrame({"stock_code": ["1"] * 6, "week": weeks, "units": [2.0, 4.0, 6.0, 8.0, 10.0, 999.0]})
    judged = panel.tail(1).with_columns(price=pl.lit(1.0)).select("stock_code", "week", "price", "units")
    found = {part["model"][0]: part["predicted_units"][0] for part in simple_forecasts(panel, judged)}
    assert found["last week"] == 10.0 and found["mean of 4 weeks"] == 7.0
    assert found["mean of log over 4 weeks"] == pytest.approx((5 * 7 * 9 * 11) ** 0.25 - 1)
