"""Forecasts per store: everybody is judged on the same rows, and a store's own model learns from its own weeks."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from bench.by_store import HEADER, NAMES, forecast, table
from pricewright.feature import FEATURES

STORES, WEEKS = ("1", "2", "3"), 40


@pytest.fixture(scope="module")
def panel() -> pl.DataFrame:
    """Three stores that sell ten times as much one as the other; features say nothing."""
    rng = np.random.default_rng(1)
    rows = [
        {"stock_code": f"{sku}@{store}", "store": store, "week": date(2024, 1, 1) + timedelta(weeks=week),
         "units": float(rng.poisson(10 ** (level + 1))), "price": 2.0, "reference_price": 2.0, "last_price": 2.0, "promotion": 0.0}
        for level, store in enumerate(STORES) for sku in range(4) for week in range(WEEKS)
    ]  # fmt: skip
    return pl.DataFrame(rows).with_columns(pl.lit(0.0, pl.Float32).alias(name) for name in FEATURES)


def test_both_know_the_store_and_see_no_week_that_they_forecast(panel: pl.DataFrame) -> None:
    last = pl.col("week") >= panel["week"].max() - timedelta(weeks=7)
    shifted = panel.with_columns(units=pl.when(last).then(pl.col("units") * 3).otherwise("units"))
    first, second = (forecast(rows, rounds=60) for rows in (panel, shifted))
    assert first.height == len(STORES) * 4 * 8, "all of them sold"
    for name in ("with_store", "each_store"):
        assert first[name].to_list() == second[name].to_list()
        means = first.group_by(pl.col("stock_code").str.tail(1)).agg(pl.col(name).mean()).sort("stock_code")
        assert np.expm1(means[name].to_numpy()) == pytest.approx([10, 100, 1000], rel=0.15)


def test_figures_are_those_of_the_rows_that_all_of_them_have() -> None:
    keys = {"stock_code": ["a", "b", "c"], "week": [date(2024, 1, 1)] * 3}
    rivals = pl.DataFrame(keys | {"units": [1.0, 3.0, 7.0]}).with_columns(
        with_store=np.log1p(pl.col("units")), each_store=pl.lit(0.0)
    )
    backtest = (
        pl.DataFrame(keys)
        .head(2)
        .with_columns(model=pl.lit("network"), predicted_log1p=pl.lit(0.0), predicted_median=pl.Series([2.0, 2.0]))
    )
    rmsle = np.sqrt((np.log(2) ** 2 + np.log(4) ** 2) / 2)
    assert table(rivals, backtest) == [
        [NAMES["network"], f"{rmsle:.3f}", "0.500", "2"],
        [NAMES["with_store"], "0.000", "0.000", "2"],
        [NAMES["each_store"], f"{rmsle:.3f}", "1.000", "2"],
    ]
    assert [row[-1] for row in table(rivals, None)] == ["3", "3"] and len(HEADER) == 4
