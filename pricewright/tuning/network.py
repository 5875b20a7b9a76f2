"""Hyperparameters of the network: what would have forecast the last weeks best, learnt from the weeks before."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pricewright.core.errors import ModelError
from pricewright.network.curves import fit_curves
from pricewright.network.grid import grid_of
from pricewright.network.network import DemandNetwork
from pricewright.network.rows import Rows
from pricewright.network.settings import network_settings
from pricewright.tuning.backups import sample_skus
from pricewright.tuning.minimise import minimise
from pricewright.tuning.search import Progress
from pricewright.tuning.space import Hyperparameters
from pricewright.tuning.spread import Spread
from pricewright.tuning.trial import Best, Objective, Report


def tune_network(
    rows: pl.DataFrame,
    features: Sequence[str],
    params: Mapping[str, Any],
    *,
    storage: Path | None = None,
    name: str = "network",
    progress: Progress | None = None,
    spread: Spread = map,
    objective: Objective | None = None,
) -> Best:
    """The hyperparameters of the feedforward part, complete: the defaults, with the searched ones replaced.

    rows: panel rows without the weeks on which models will be judged; params: all of params.yaml. The curves are
    fitted once. The score is the RMSLE of the validation weeks; it is reported after every pass, so that poor
    trials are pruned. With `storage` a killed search goes on where it was; `name` tells searches on different data
    apart. The defaults are the first trial, so that the result never does worse on the validation weeks. `spread`
    makes the trials; where it leaves this process, `objective` is the same one in a form that can be sent there.
    """
    tune, defaults = params["tune"], params["tune"]["defaults"]["network"]
    own = tune["network"]
    best = minimise(
        objective or validation_error(rows, features, params),
        own["space"],
        own["budget"],
        tune["seed"],
        own["method"],
        storage,
        progress,
        workers=own["workers"],
        spread=spread,
        name=name,
        start={key: defaults[key] for key in own["space"]},
    )
    return replace(best, hyperparameters={**defaults, **best.hyperparameters})


def validation_error(rows: pl.DataFrame, features: Sequence[str], params: Mapping[str, Any]) -> Objective:
    """The objective: RMSLE of the last `tune.validation_weeks` weeks of a network that knows the weeks before.

    Each of these weeks is forecast one week ahead, as its lags are known by then; nothing is learned from them.
    """
    tune, own = params["tune"], params["tune"]["network"]
    held_out = int(tune["validation_weeks"])
    rows = sample_skus(rows, int(own["rows"]), int(tune["seed"]))
    weeks = rows["week"].unique().sort()
    if len(weeks) <= held_out + int(params["network"]["level"]["first_weeks"]):
        raise ModelError(
            f"the panel has {len(weeks)} weeks and tune.validation_weeks is {held_out}: more weeks are needed.",
            hint="give more history, or lower tune.validation_weeks.",
        )
    first = weeks[-held_out]
    earlier = rows.filter(pl.col("week") < first)
    curves = fit_curves(grid_of(earlier, int(params["network"]["anchor_weeks"])), params["network"]["curves"])

    def objective(hyperparameters: Hyperparameters, report: Report) -> float:
        settings = network_settings(params, {**tune["defaults"]["network"], **hyperparameters}, own["trial"])
        held: dict[str, Rows] = {}

        def after(network: DemandNetwork, epoch: int) -> None:
            if not held:
                seen = network.rows(rows)
                held["out"] = seen[(seen.week > seen.week.max() - held_out) & seen.seen]
            report(epoch, _error(network, held["out"]))

        network = DemandNetwork.fit_levels(earlier, features, curves, settings, int(tune["seed"]), after=after)
        return _error(network, held["out"])

    return objective


def _error(network: DemandNetwork, rows: Rows) -> float:
    """RMSLE of the forecast of these rows."""
    forecast, _ = network.forecast_rows(rows)
    errors: NDArray[np.float64] = forecast.log1p - np.log1p(rows.units)
    return float(np.sqrt(np.mean(errors**2)))
