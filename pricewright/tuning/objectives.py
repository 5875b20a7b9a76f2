"""What the trials of a backup are judged on: the error on later weeks. Free of torch, which takes two seconds."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from pricewright.backtest import in_stock
from pricewright.backups.backup import check_hyperparameters, fit_inputs
from pricewright.backups.inputs import Inputs, read_inputs, take
from pricewright.core.errors import ModelError, ParameterError
from pricewright.tuning.search import Progress, TaskMap, minimise
from pricewright.tuning.space import Best, Hyperparameters, Objective, Report


def tune_backup(
    name: str,
    rows: pl.DataFrame,
    features: Sequence[str],
    params: Mapping[str, Any],
    *,
    progress: Progress | None = None,
    task_map: TaskMap = map,
    objective: Objective | None = None,
) -> Best:
    """The hyperparameters of one backup, complete: the defaults, with the searched ones replaced.

    rows: panel rows without the weeks on which models will be judged. params, the section `tune` of params.yaml:
    seed, validation_weeks (the last ones, never shuffled), rows (whole SKUs are drawn until there are about this many:
    the search compares, it need not be exact), defaults.<name>, and <name> with method, budget, workers (trials at
    once), space and `trial`, the hyperparameters that differ in trials only. The defaults are the first trial, so that
    the result never does worse on the validation weeks. The score is the RMSLE of the validation weeks. `task_map`
    makes the trials; where it leaves this process, `objective` is the same one in a form that can be sent there.
    """
    own, defaults = _sections(name, params)
    check_hyperparameters(name, defaults)
    best = minimise(
        objective or backup_error(name, rows, features, params),
        own["space"],
        own["budget"],
        int(params["seed"]),
        own["method"],
        progress=progress,
        workers=own["workers"],
        task_map=task_map,
        start={key: defaults[key] for key in own["space"]},
        name=name,
    )
    return replace(best, hyperparameters={**defaults, **best.hyperparameters})


def backup_error(name: str, rows: pl.DataFrame, features: Sequence[str], params: Mapping[str, Any]) -> Objective:
    """The objective: RMSLE on the last `validation_weeks` weeks of a model that knows the weeks before.

    Each trial is fitted on one thread: trials share the cores.
    """
    seed, validation_weeks = int(params["seed"]), int(params["validation_weeks"])
    own, defaults = _sections(name, params)
    fixed = {**defaults, **own.get("trial", {})}
    inputs: Inputs = read_inputs(in_stock(sample_skus(rows, int(params["rows"]), seed)), features)
    weeks = np.unique(inputs.week)
    if len(weeks) <= validation_weeks:
        raise ModelError(
            f"the panel has {len(weeks)} weeks and tune.validation_weeks is {validation_weeks}: more weeks are needed."
        )
    earlier, later = (
        take(inputs, side) for side in (inputs.week < weeks[-validation_weeks], inputs.week >= weeks[-validation_weeks])
    )

    def objective(hyperparameters: Hyperparameters, report: Report) -> float:
        complete = {**fixed, **hyperparameters}
        check_hyperparameters(name, complete)
        predicted = fit_inputs(name, earlier, complete, seed, threads=1).predict_log(later.features, later.price)
        return float(np.sqrt(np.mean((np.maximum(predicted, 0.0) - later.log_units) ** 2)))

    return objective


def _sections(name: str, params: Mapping[str, Any]) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """How the backup is searched, and what it starts from."""
    if name not in params or name not in params["defaults"]:
        raise ParameterError(
            f"tune.{name} and tune.defaults.{name} are not both in params.yaml: every registered backup needs them.",
            hint="copy those of elastic_net, and give them the new model's hyperparameters.",
        )
    return params[name], params["defaults"][name]


def sample_skus(rows: pl.DataFrame, most: int, seed: int) -> pl.DataFrame:
    """All rows of a seeded draw of SKUs, at most `most` rows (but at least one SKU); order kept."""
    sizes = rows.group_by("stock_code").len().sort("stock_code").sample(fraction=1.0, shuffle=True, seed=seed)
    drawn = sizes.filter((pl.col("len").cum_sum() <= most) | (pl.int_range(pl.len()) == 0))
    return rows.filter(pl.col("stock_code").is_in(drawn["stock_code"].implode()))
