"""The price effect is freed from the season that moves prices and demand together."""

import numpy as np
import polars as pl
import pytest

from pricewright.backups.inputs import read_inputs
from pricewright.backups.partially_linear import FOLDS, price_slope, time_folds

FEATURES = ("log_level", "mean_4", "season", "noise")
SLOPE = 2.0


def test_the_true_slope_is_found_where_a_naive_regression_is_far_off(panel: pl.DataFrame) -> None:
    inputs = read_inputs(panel, FEATURES)
    naive = -np.polyfit(inputs.log_price_ratio, inputs.log_units, 1)[0]
    assert abs(naive - SLOPE) > 0.5
    assert price_slope(inputs) == pytest.approx(SLOPE, rel=0.1)


def test_demand_that_seems_to_rise_with_price_gets_a_slope_of_zero(panel: pl.DataFrame) -> None:
    upside_down = panel.with_columns(price=pl.col("reference_price") ** 2 / pl.col("price"))
    assert price_slope(read_inputs(upside_down, FEATURES)) == 0.0


def test_a_boost_to_a_whole_week_is_no_price_effect(panel: pl.DataFrame) -> None:
    # Every third week all prices fall by 10 % and an advertisement trebles sales: only the week knows of it.
    every_third = pl.col("week").rank("dense") % 3 == 0
    boosted = panel.with_columns(
        price=pl.when(every_third).then(pl.col("price") * 0.9).otherwise("price"),
        units=pl.when(every_third).then((pl.col("units") + 1) * 3 - 1).otherwise("units"),
    )
    assert price_slope(read_inputs(boosted, FEATURES)) == pytest.approx(SLOPE, rel=0.1)


def test_folds_are_consecutive_weeks_of_about_equal_number() -> None:
    week = np.repeat(np.arange(23) * 7, 3)
    folds = time_folds(week)
    assert (np.diff(folds) >= 0).all()
    assert [len(np.unique(week[folds == f])) for f in range(FOLDS)] == [5, 5, 4, 5, 4]
