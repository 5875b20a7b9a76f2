from copy import deepcopy
from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest

from pricewright.core.errors import ModelError
from pricewright.core.forecast import Forecast
from pricewright.network.network import DemandNetwork
from pricewright.network.walk import Walked, learn_calibration, walk
from tests.pricewright.network.small_market import FEATURES

WEEKS = 6
CALIBRATION = {"calibration_weeks": 3, "calibration_share": 0.5}


def last_weeks(panel: pl.DataFrame) -> list[date]:
    return panel["week"].unique().sort().to_list()[-WEEKS:]


@pytest.fixture(scope="module")
def network(panel: pl.DataFrame, settings: dict[str, Any]) -> DemandNetwork:
    """Fitted to the weeks before those that are walked through."""
    return DemandNetwork.fit(panel.filter(pl.col("week") < last_weeks(panel)[0]), FEATURES, settings, seed=1)


def walked(panel: pl.DataFrame, network: DemandNetwork) -> Walked:
    return walk(panel, deepcopy(network), last_weeks(panel), 3, CALIBRATION)


@pytest.fixture(scope="module")
def whole(panel: pl.DataFrame, network: DemandNetwork) -> Walked:
    return walked(panel, network)


def test_no_forecast_knows_its_own_week_or_a_later_one(
    panel: pl.DataFrame, network: DemandNetwork, whole: Walked
) -> None:
    last = panel["week"].max()
    doubled = pl.when(pl.col("week") == last).then(pl.col("units") * 9).otherwise(pl.col("units"))
    changed = walked(panel.with_columns(units=doubled), network)
    assert np.array_equal(whole.forecast.mean, changed.forecast.mean)
    assert not np.array_equal(whole.units, changed.units)


def test_walked_rows_are_the_judged_weeks_in_order(panel: pl.DataFrame, whole: Walked) -> None:
    judged = panel["week"].unique().sort().to_list()[-3:]
    rows = panel.filter(pl.col("week").is_in(judged)).sort("week", "stock_code")
    assert whole.sku == rows["stock_code"].to_list()
    assert whole.week == rows["week"].to_list()
    assert np.array_equal(whole.units, rows["units"].to_numpy())


@pytest.mark.platform
def test_weeks_out_of_stock_are_in_no_score(panel: pl.DataFrame, network: DemandNetwork, whole: Walked) -> None:
    last, gone = panel["week"].max(), panel["stock_code"].unique().sort()[:20]
    out = (pl.col("week") == last) & pl.col("stock_code").is_in(gone.implode())
    emptied = panel.with_columns(
        in_stock=~out, units=pl.when(out).then(0.0).otherwise(pl.col("units").cast(pl.Float64))
    )
    found = walked(emptied, network)
    missing = set(zip(whole.week, whole.sku, strict=True)) - set(zip(found.week, found.sku, strict=True))
    there = set(panel.filter(out)["stock_code"])
    assert there and missing == {(last, code) for code in there}
    assert len(found.forecast) == len(found.sku) == len(found.units)


def test_the_walk_beats_the_mean_of_the_last_weeks(panel: pl.DataFrame, whole: Walked) -> None:
    rows = panel.filter(pl.col("week").is_in(list(set(whole.week)))).sort("week", "stock_code")
    naive = rows["log_units_mean_8"].to_numpy()
    truth = np.log1p(whole.units)
    assert np.mean((whole.forecast.log1p - truth) ** 2) < np.mean((naive - truth) ** 2)
    assert 0.8 < whole.forecast.mean.sum() / whole.units.sum() < 1.25


def test_an_interval_that_was_too_narrow_is_widened() -> None:
    units = np.arange(100, dtype=float)
    narrow = Forecast(units + 30, units, np.log1p(units), units * 0.99, units * 1.01)
    sold = units * np.where(np.arange(100) % 2 == 0, 1.4, 0.6)
    calibration = learn_calibration([narrow], [sold], CALIBRATION)
    wider = calibration.applied(narrow)
    assert calibration.margin > 0
    assert ((sold >= wider.low) & (sold <= wider.high)).mean() >= 0.88
    assert 0 < calibration.factor < 1


def test_a_week_without_rows_is_refused(panel: pl.DataFrame, network: DemandNetwork) -> None:
    weeks = panel["week"].unique().sort().to_list()[-2:]
    with pytest.raises(ModelError, match="0 rows in week"):
        walk(panel.filter(pl.col("week") != weeks[0]), network, weeks, 1, CALIBRATION)
