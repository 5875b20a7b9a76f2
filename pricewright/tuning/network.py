"""What the trials of the network are judged on: the error on later weeks; and searches as words for other processes.

The panel stays where it is: every process that makes trials reads it once per search.
"""

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from pricewright.core.errors import ModelError
from pricewright.core.models import NETWORK
from pricewright.network.curve_fit import fit_curves
from pricewright.network.grid import grid_of
from pricewright.network.level import Rows
from pricewright.network.network import DemandNetwork, network_settings
from pricewright.partitions import read_partitions
from pricewright.tuning.objectives import backup_error, sample_skus
from pricewright.tuning.search import Progress, TaskMap, minimise
from pricewright.tuning.space import Best, Hyperparameters, Objective, Report


def tune_network(
    rows: pl.DataFrame,
    features: Sequence[str],
    params: Mapping[str, Any],
    *,
    storage: Path | None = None,
    name: str = "network",
    progress: Progress | None = None,
    task_map: TaskMap = map,
    objective: Objective | None = None,
) -> Best:
    """The hyperparameters of the feedforward part, complete: the defaults, with the searched ones replaced.

    rows: panel rows without the weeks on which models will be judged; params: all of params.yaml. The curves are
    fitted once. The score is the RMSLE of the validation weeks; it is reported after every pass, so that poor
    trials are pruned. With `storage` a killed search goes on where it was; `name` tells searches on different data
    apart. The defaults are the first trial, so that the result never does worse on the validation weeks. `task_map`
    makes the trials; where it leaves this process, `objective` is the same one in a form that can be sent there.
    """
    tune, defaults = params["tune"], params["tune"]["defaults"]["network"]
    own = tune["network"]
    best = minimise(
        objective or network_error(rows, features, params),
        own["space"],
        own["budget"],
        tune["seed"],
        own["method"],
        storage,
        progress,
        workers=own["workers"],
        task_map=task_map,
        name=name,
        start={key: defaults[key] for key in own["space"]},
    )
    return replace(best, hyperparameters={**defaults, **best.hyperparameters})


def network_error(rows: pl.DataFrame, features: Sequence[str], params: Mapping[str, Any]) -> Objective:
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


@dataclass(frozen=True)
class Problem:
    """The objective of a model's search. panel: folder of week partitions; params: the sections tune and network, JSON.

    Its scores are the same to the last bit in every process on processors of one kind: a trial computes on one thread.
    """

    model: str
    panel: str
    params: str
    features: tuple[str, ...]

    @classmethod
    def of(cls, model: str, panel: Path, params: Mapping[str, Any], features: Sequence[str]) -> "Problem":
        """The search of one model; `params` is all of params.yaml."""
        kept = {section: params[section] for section in ("tune", "network")}
        return cls(model, str(panel), json.dumps(kept, sort_keys=True), tuple(features))

    def __call__(self, hyperparameters: Hyperparameters, report: Report) -> float:
        """The score of a trial."""
        torch.set_num_threads(1)  # of this thread: OpenMP keeps the number per thread
        return OPENED.objective(self)(hyperparameters, report)

    def open(self) -> Objective:
        """Read the panel and prepare what all trials share."""
        params = json.loads(self.params)
        threadpool_limits(1, user_api="blas")
        rows = before_judged(read_partitions(Path(self.panel)), int(params["tune"]["judged_weeks"]))
        if self.model == NETWORK:
            return network_error(rows, self.features, params)
        return backup_error(self.model, rows, self.features, params["tune"])


class Opened:
    """The problems that this process has opened: trials in other threads wait for the first one to do it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._opening: dict[Problem, threading.Lock] = {}
        self._objectives: dict[Problem, Objective] = {}

    def objective(self, problem: Problem) -> Objective:
        """The objective of a problem; problems of other searches are let go."""
        with self._lock:
            for other in [known for known in self._opening if _search(known) != _search(problem)]:
                self._opening.pop(other)
                self._objectives.pop(other, None)
            opening = self._opening.setdefault(problem, threading.Lock())
        with opening:
            if problem not in self._objectives:
                self._objectives[problem] = problem.open()
            return self._objectives[problem]

    def close(self) -> None:
        """Let go of all of them."""
        with self._lock:
            self._opening.clear()
            self._objectives.clear()


OPENED = Opened()


def before_judged(panel: pl.DataFrame, judged_weeks: int) -> pl.DataFrame:
    """The rows that a search may see. Raises ModelError when there are none."""
    weeks = panel["week"].unique().sort()
    if len(weeks) <= judged_weeks:
        raise ModelError(
            f"the panel has {len(weeks)} weeks and tune.judged_weeks is {judged_weeks}: more weeks are needed.",
            hint="give more history.",
        )
    return panel.filter(pl.col("week") < weeks[-judged_weeks])


def _search(problem: Problem) -> tuple[str, str]:
    return problem.panel, problem.params
