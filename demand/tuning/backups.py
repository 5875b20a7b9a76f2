"""Hyperparameters of the backups: what would have forecast the last weeks best, learnt from the weeks before."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from demand.backups.backup import check_hyperparameters, fit_inputs
from demand.backups.inputs import Inputs, read_inputs, take
from demand.errors import ModelError
from demand.tuning.minimise import minimise
from demand.tuning.search import Objective, Progress, Report
from demand.tuning.space import Hyperparameters
from demand.tuning.trial import Best


def tune_backup(
    name: str,
    rows: pl.DataFrame,
    features: Sequence[str],
    params: Mapping[str, Any],
    seed: int,
    *,
    threads: int = 2,
    progress: Progress | None = None,
) -> Best:
    """The hyperparameters of one backup, complete: the defaults, with the searched ones replaced.

    rows: panel rows without the weeks on which models will be judged. params, the section `tune` of params.yaml:
    validation_weeks (the last ones, never shuffled), rows (whole SKUs are drawn until there are about so many: the
    search compares, it need not be exact), defaults.<name>, and <name> with method, budget, space and `trial`,
    the hyperparameters that differ in trials only. The defaults are the first trial, so that the result never does
    worse on the validation weeks. The score is the RMSLE of the validation weeks.
    """
    own, defaults = params[name], params["defaults"][name]
    check_hyperparameters(name, defaults)
    inputs = read_inputs(sample_skus(rows, int(params["rows"]), seed), features)
    best = minimise(
        validation_error(name, inputs, {**defaults, **own.get("trial", {})}, params["validation_weeks"], seed, threads),
        own["space"],
        own["budget"],
        seed,
        own["method"],
        progress=progress,
        start={key: defaults[key] for key in own["space"]},
        name=name,
    )
    return replace(best, hyperparameters={**defaults, **best.hyperparameters})


def validation_error(
    name: str, inputs: Inputs, fixed: Mapping[str, Any], validation_weeks: int, seed: int, threads: int
) -> Objective:
    """The objective: RMSLE on the last `validation_weeks` weeks of a model that knows the weeks before."""
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
        predicted = fit_inputs(name, earlier, complete, seed, threads).predict_log(later.features, later.price)
        return float(np.sqrt(np.mean((np.maximum(predicted, 0.0) - later.log_units) ** 2)))

    return objective


def sample_skus(rows: pl.DataFrame, most: int, seed: int) -> pl.DataFrame:
    """All rows of a seeded draw of SKUs, at most `most` rows (but at least one SKU); order kept."""
    sizes = rows.group_by("stock_code").len().sort("stock_code").sample(fraction=1.0, shuffle=True, seed=seed)
    drawn = sizes.filter((pl.col("len").cum_sum() <= most) | (pl.int_range(pl.len()) == 0))
    return rows.filter(pl.col("stock_code").is_in(drawn["stock_code"].implode()))
