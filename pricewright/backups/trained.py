"""A backup ready for a release: fitted to all weeks, judged on the last ones, calibrated on weeks it had not seen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pricewright.backups.backup import Backup, check_hyperparameters, fit_inputs
from pricewright.backups.inputs import Floats, Inputs, Singles, read_inputs, take
from pricewright.core.errors import ModelError
from pricewright.core.forecast import Forecast, Retransformation, forecast_from_log, learn_retransformation


@dataclass(frozen=True)
class TrainedBackup:
    """model: fitted to all weeks. retransformation: learnt from the held-out forecasts of the last weeks.

    backtest: one week ahead for the rows of the last weeks, `tested` (n,) marks those rows in the panel; neither
    the model nor the retransformation of a week has seen that week or a later one.
    """

    model: Backup
    retransformation: Retransformation
    backtest: Forecast
    tested: NDArray[np.bool_]

    def forecast(self, features: Singles, price: Singles) -> Forecast:
        """Units of n rows; features (n, k), price (n, 3) as in PRICE_FEATURES."""
        return forecast_from_log(self.model.predict_log(features, price), self.retransformation)


def train_backup(
    name: str,
    rows: pl.DataFrame,
    features: Sequence[str],
    hyperparameters: Mapping[str, Any],
    seed: int,
    *,
    backtest_weeks: int = 8,
    calibration_weeks: int = 8,
    threads: int = 2,
) -> TrainedBackup:
    """Three fits of one backup: to the weeks before the calibration, before the backtest, and to all of them.

    Raises ModelError when the panel has no more weeks than are held out.
    """
    inputs = read_inputs(rows, features)
    held_out = judge_backup(
        name,
        inputs,
        hyperparameters,
        seed,
        backtest_weeks=backtest_weeks,
        calibration_weeks=calibration_weeks,
        threads=threads,
    )
    return TrainedBackup(fit_inputs(name, inputs, hyperparameters, seed, threads), *held_out)


def judge_backup(
    name: str,
    inputs: Inputs,
    hyperparameters: Mapping[str, Any],
    seed: int,
    *,
    backtest_weeks: int,
    calibration_weeks: int,
    threads: int = 2,
) -> tuple[Retransformation, Forecast, NDArray[np.bool_]]:
    """retransformation, backtest and tested of a TrainedBackup: two fits, neither of which sees the weeks it is for.

    Raises ModelError when the panel has no more weeks than are held out.
    """
    check_hyperparameters(name, hyperparameters)
    weeks = np.unique(inputs.week)
    held_out = backtest_weeks + calibration_weeks
    if len(weeks) <= held_out:
        raise ModelError(
            f"the panel has {len(weeks)} weeks, {held_out} are held out of the training of {name}: more are needed.",
            hint="give more history, or lower train.backtest_weeks or train.calibration_weeks.",
        )
    stretches = (weeks[-held_out:-backtest_weeks], weeks[-backtest_weeks:])
    parts = [_held_out_logs(name, inputs, stretch, hyperparameters, seed, threads) for stretch in stretches]
    tested = inputs.week >= weeks[-backtest_weeks]
    known = inputs.week >= weeks[-held_out]
    log_units = np.empty(int(known.sum()))
    log_units[~tested[known]], log_units[tested[known]] = parts
    backtest, learnt = roll_forward(log_units, np.expm1(inputs.log_units[known]), inputs.week[known], calibration_weeks)
    return learnt, backtest, tested


def roll_forward(
    log_units: Floats, units: Floats, week: NDArray[np.int64], calibration_weeks: int
) -> tuple[Forecast, Retransformation]:
    """Forecasts, one week ahead, of all rows after the first `calibration_weeks` weeks, in the order of the rows.

    log_units, units, week: (n,) held-out predictions and what happened. Each week is calibrated on the
    `calibration_weeks` weeks before it, as a release of every week would be; the second result is the
    retransformation for the week that comes next.
    """
    weeks = np.unique(week)
    curves = np.empty((5, len(week)))
    for last in range(calibration_weeks, len(weeks) + 1):
        window = (week >= weeks[last - calibration_weeks]) & (week <= weeks[last - 1])
        learnt = learn_retransformation(log_units[window], units[window])
        if last < len(weeks):
            now = week == weeks[last]
            ahead = forecast_from_log(log_units[now], learnt)
            curves[:, now] = ahead.mean, ahead.median, ahead.log1p, ahead.low, ahead.high
    return Forecast(*curves[:, week >= weeks[calibration_weeks]]), learnt


def _held_out_logs(
    name: str,
    inputs: Inputs,
    weeks: NDArray[np.int64],
    hyperparameters: Mapping[str, Any],
    seed: int,
    threads: int,
) -> Floats:
    """Predicted log units of the rows of these weeks by a model of all weeks before them."""
    model = fit_inputs(name, take(inputs, inputs.week < weeks[0]), hyperparameters, seed, threads)
    new = take(inputs, np.isin(inputs.week, weeks))
    return model.predict_log(new.features, new.price)
