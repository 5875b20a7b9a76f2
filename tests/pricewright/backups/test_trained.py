"""A trained backup was judged and calibrated on weeks that it had not seen."""

import numpy as np
import polars as pl
import pytest

from pricewright.backups.inputs import read_inputs
from pricewright.backups.trained import train_backup
from pricewright.core.errors import ModelError

FEATURES = ("log_level", "mean_4", "season", "noise")
HYPERPARAMETERS = {"alpha": 0.002, "l1_ratio": 0.5}


def test_held_out_means_add_up_and_intervals_cover(panel: pl.DataFrame) -> None:
    trained = train_backup("elastic_net", panel, FEATURES, HYPERPARAMETERS, 1)
    units = panel["units"].to_numpy()[trained.tested]
    weeks = panel["week"].unique().sort()
    assert (panel.filter(pl.Series(trained.tested))["week"].unique().sort() == weeks[-8:]).all()
    assert len(trained.backtest) == len(units)
    assert 0.95 < trained.backtest.mean.sum() / units.sum() < 1.05
    assert 0.85 < ((units >= trained.backtest.low) & (units <= trained.backtest.high)).mean() < 0.95


def test_no_forecast_of_a_week_changes_with_the_sales_of_that_week_or_later(panel: pl.DataFrame) -> None:
    weeks = panel["week"].unique().sort()
    late = pl.col("week") >= weeks[-3]
    other = panel.with_columns(units=pl.when(late).then(pl.col("units") * 5 + 3).otherwise("units"))
    first, second = (train_backup("elastic_net", rows, FEATURES, HYPERPARAMETERS, 1) for rows in (panel, other))
    unchanged = panel["week"].to_numpy()[first.tested] <= np.datetime64(weeks[-3])
    for name in ("mean", "median", "log1p", "low", "high"):
        before, after = getattr(first.backtest, name), getattr(second.backtest, name)
        assert np.array_equal(before[unchanged], after[unchanged])
        assert not np.array_equal(before[~unchanged], after[~unchanged])
    assert second.retransformation.smear > first.retransformation.smear


def test_the_order_of_rows_does_not_matter(panel: pl.DataFrame) -> None:
    shuffled = panel.sample(fraction=1.0, shuffle=True, seed=3)
    first, second = (train_backup("elastic_net", rows, FEATURES, HYPERPARAMETERS, 1) for rows in (panel, shuffled))
    key = ["stock_code", "week"]
    means = [
        rows.filter(pl.Series(trained.tested)).with_columns(mean=trained.backtest.mean).sort(key)["mean"].to_numpy()
        for rows, trained in ((panel, first), (shuffled, second))
    ]
    assert np.allclose(*means, rtol=1e-6)


def test_it_forecasts_new_prices(panel: pl.DataFrame) -> None:
    trained = train_backup("elastic_net", panel, FEATURES, HYPERPARAMETERS, 1)
    inputs = read_inputs(panel.tail(10), FEATURES)
    cheap, dear = (
        trained.forecast(inputs.features, inputs.price + np.float32([step, step, step])) for step in (-0.2, 0.2)
    )
    assert (cheap.mean > dear.mean).all()


def test_a_history_shorter_than_what_is_held_out_is_refused(panel: pl.DataFrame) -> None:
    weeks = panel["week"].unique().sort()
    with pytest.raises(ModelError, match="the panel has 16 weeks, 16 are held out"):
        train_backup(
            "svr",
            panel.filter(pl.col("week") < weeks[16]),
            FEATURES,
            {"cost": 1.0, "epsilon": 0.1, "width": 1.0, "sample_rows": 500},
            1,
        )
