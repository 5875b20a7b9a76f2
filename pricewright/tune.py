"""The tune stage: hyperparameters of all models, from the weeks before those on which they will be judged."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import polars as pl
import torch
from threadpoolctl import threadpool_limits

from pricewright.backups import model_names
from pricewright.core.models import NETWORK
from pricewright.feature import features_of
from pricewright.tuning import Best, Objective, TaskMap, tune_backup
from pricewright.tuning.network import OPENED, Problem, before_judged, tune_network

ReportProgress = Callable[[float, str], None]


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
    report_progress: ReportProgress = lambda share, words: None,
    features: Sequence[str] = (),
    *,
    task_map: TaskMap = map,
    panel_folder: Path | None = None,
) -> Tuned:
    """Search the hyperparameters of every model; `params` is all of params.yaml.

    features: what the models learn from, features_of(panel) where none are named. panel: all panel rows; the last
    `tune.judged_weeks` weeks are left out, for no search may see the weeks on which its result is judged. storage:
    file in which a killed search of the network finds its trials again. spread: makes the trials; all but the
    builtin `map` get those of all models at once, and find the same for the same seed. panel_folder: where the same
    panel lies, for a spread that leaves this process.
    """
    rows, features = before_judged(panel, int(params["tune"]["judged_weeks"])), features or features_of(panel)
    progress = _Progress(report_progress)

    def search(model: str) -> Best:
        objective: Objective | None = Problem.of(model, panel_folder, params, features) if panel_folder else None
        report = progress.of(model)
        if model == NETWORK:
            name = f"network-{fingerprint(rows, features, params)}"
            return tune_network(
                rows,
                features,
                params,
                storage=storage,
                name=name,
                progress=report,
                task_map=task_map,
                objective=objective,
            )
        return tune_backup(
            model, rows, features, params["tune"], progress=report, task_map=task_map, objective=objective
        )

    with _one_thread_per_trial():
        found = _searched(search, 1 if task_map is map else len(model_names()))
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


def _searched(search: Callable[[str], Best], at_once: int) -> dict[str, Best]:
    """The searches of all models; threads that wait for trials most of the time, where there are several at once."""
    if at_once == 1:
        return {model: search(model) for model in model_names()}
    with ThreadPoolExecutor(at_once, thread_name_prefix="search") as pool:
        running = {model: pool.submit(copy_context().run, search, model) for model in model_names()}
        return {model: future.result() for model, future in running.items()}


@contextmanager
def _one_thread_per_trial() -> Iterator[None]:
    """Trials share the cores, and their sums come out the same wherever they are made."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1, user_api="blas"):
            yield
    finally:
        torch.set_num_threads(threads)
        OPENED.close()


class _Progress:
    """How far the searches of all models have got, told one at a time."""

    def __init__(self, report_progress: ReportProgress) -> None:
        self._tell = report_progress
        self._lock = threading.Lock()
        self._shares = dict.fromkeys(model_names(), 0.0)

    def of(self, model: str) -> Callable[[int, int, float], None]:
        """What the search of one model calls."""

        def progress(done: int, budget: int, score: float) -> None:
            with self._lock:
                self._shares[model] = done / budget
                share = sum(self._shares.values()) / len(self._shares)
                self._tell(share, f"{model} {done}/{budget}, RMSLE {score:.3f}")

        return progress


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
