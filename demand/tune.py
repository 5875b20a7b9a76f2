"""The tune stage: hyperparameters of all models, from the weeks before those on which they will be judged."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import polars as pl

from demand.backups import BACKUPS
from demand.errors import ModelError
from demand.feature import FEATURES
from demand.tuning import Best, tune_backup
from demand.tuning.network import tune_network

Tell = Callable[[float, str], None]
MODELS = ("network", *BACKUPS)


@dataclass(frozen=True)
class Tuned:
    """hyperparameters: per model, complete; trials: every trial of every search; metrics: numbers for the ledger."""

    hyperparameters: dict[str, dict[str, Any]]
    trials: pl.DataFrame
    metrics: dict[str, Any]


def tune(
    panel: pl.DataFrame,
    params: Mapping[str, Any],
    storage: Path | None = None,
    tell: Tell = lambda share, words: None,
    features: Sequence[str] = FEATURES,
) -> Tuned:
    """Search the hyperparameters of every model; `params` is all of params.yaml.

    panel: all panel rows; the last `tune.judged_weeks` weeks are left out, for no search may see the weeks on
    which its result is judged. storage: file in which a killed search of the network finds its trials again.
    """
    rows = _before_judged(panel, int(params["tune"]["judged_weeks"]))
    found = {}
    for place, model in enumerate(MODELS):

        def progress(done: int, budget: int, score: float, place: int = place, model: str = model) -> None:
            tell((place + done / budget) / len(MODELS), f"{model} {done}/{budget}, RMSLE {score:.3f}")

        tell(place / len(MODELS), model)
        if model == "network":
            name = f"network-{fingerprint(rows, features, params)}"
            found[model] = tune_network(rows, features, params, storage=storage, name=name, progress=progress)
        else:
            seed = int(params["tune"]["seed"])
            found[model] = tune_backup(model, rows, features, params["tune"], seed, progress=progress)
    hyperparameters = {model: dict(best.hyperparameters) for model, best in found.items()}
    trials = pl.concat([_trials(model, best) for model, best in found.items()])
    return Tuned(hyperparameters, trials, {model: _metrics(best) for model, best in found.items()})


def fingerprint(rows: pl.DataFrame, features: Sequence[str], params: Mapping[str, Any]) -> str:
    """Eight hex digits that differ where a trial would come out differently: other rows, features or numbers.

    How many trials are made, and how many at once, makes no difference.
    """
    own = {key: value for key, value in params["tune"]["network"].items() if key not in ("budget", "workers", "method")}
    kept = {key: params["tune"][key] for key in ("seed", "judged_weeks", "validation_weeks", "defaults")}
    numbers = json.dumps([list(features), params["network"], own, kept], sort_keys=True, default=str)
    content = rows.select("stock_code", "week", "units", "price", *features).hash_rows(seed=1).sum()
    return sha256(f"{rows.height} {content} {numbers}".encode()).hexdigest()[:8]


def _before_judged(panel: pl.DataFrame, judged_weeks: int) -> pl.DataFrame:
    weeks = panel["week"].unique().sort()
    if len(weeks) <= judged_weeks:
        raise ModelError(
            f"the panel has {len(weeks)} weeks and tune.judged_weeks is {judged_weeks}: more weeks are needed.",
            hint="give more history.",
        )
    return panel.filter(pl.col("week") < weeks[-judged_weeks])


def _trials(model: str, best: Best) -> pl.DataFrame:
    """One row per trial: model, number, method, state, score, seconds, error, hyperparameters (as JSON text)."""
    known = ["number", "method", "state", "score", "seconds", "error"]
    values = pl.struct([name for name in best.trials.columns if name not in known])
    return best.trials.select(
        pl.lit(model).alias("model"), *known, values.struct.json_encode().alias("hyperparameters")
    )


def _metrics(best: Best) -> dict[str, Any]:
    states = best.trials["state"]
    return {
        "validation_rmsle": best.score,
        "method": best.method,
        "trials": best.trials.height,
        "pruned": int((states == "pruned").sum()),
        "failed": int((states == "failed").sum()),
        "fallbacks": list(best.fallbacks),
    }
