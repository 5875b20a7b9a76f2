"""One interface over all optimisers, with the grid as the fallback of both."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pricewright.core.errors import ModelError, ParameterError
from pricewright.tuning.grid import Grid
from pricewright.tuning.optimiser import Optimiser, Task
from pricewright.tuning.optuna import Optuna
from pricewright.tuning.scikit_optimize import ScikitOptimize
from pricewright.tuning.search import OptimiserFailed, Progress, Search
from pricewright.tuning.space import Hyperparameters, check_inside, read_space
from pricewright.tuning.spread import Spread
from pricewright.tuning.trial import Best, Objective, Trial, trial_table

OPTIMISERS: Mapping[str, Callable[[Task], Optimiser]] = MappingProxyType(
    {"optuna": Optuna, "scikit-optimize": ScikitOptimize, "grid": Grid}
)


def minimise(
    objective: Objective,
    space: Mapping[str, Any],
    budget: int,
    seed: int,
    method: str,
    storage: Path | None = None,
    progress: Progress | None = None,
    *,
    workers: int = 1,
    spread: Spread = map,
    name: str = "search",
    start: Hyperparameters | None = None,
    optimisers: Mapping[str, Callable[[Task], Optimiser]] = OPTIMISERS,
) -> Best:
    """The hyperparameters with the least `objective(hyperparameters, report)` among `budget` trials.

    `report(step, value)` raises Pruned when the trial is not worth finishing (optuna only). `workers` trials are
    proposed at once and made by `spread`, where and in whatever order that may be: the result depends on their number
    alone. `start` is tried first. With `storage` a killed optuna search goes on where it was: `name` must then tell
    searches on different data apart. `progress(done, budget, best score)` is called after every trial.
    When the optimiser fails, a grid search does the trials that are left, and the result's fallbacks say why.
    Raises ParameterError for a wrong space, budget or method, ModelError when no trial finished.
    """
    if method not in optimisers:
        raise ParameterError(f"tuning method is {method!r}: it must be one of {', '.join(optimisers)}.")
    for what, value in (("budget", budget), ("workers", workers)):
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise ParameterError(f"{what} of {name} is {value!r}: it must be a whole number of at least 1.")
    dimensions = read_space(space)
    if start is not None:
        check_inside(start, dimensions)
    task = Task(dimensions, budget, seed, workers, storage, name, start)
    search = Search(objective, spread, progress)
    fallbacks: tuple[str, ...] = ()
    try:
        search.run(method, optimisers[method], task)
    except OptimiserFailed as failure:
        if method == "grid":
            raise ModelError(f"{name}: the grid search failed: {failure}.") from failure
        fallbacks = (f"{method} failed ({failure}), grid search instead",)
        method = "grid"
        search.run(method, optimisers[method], task)
    return _best(search.trials, name, method, fallbacks)


def _best(trials: list[Trial], name: str, method: str, fallbacks: tuple[str, ...]) -> Best:
    """The trial with the least score; the earliest of equals."""
    scores = {number: trial.score for number, trial in enumerate(trials) if trial.score is not None}
    if not scores:
        errors = [trial.error for trial in trials if trial.error]
        raise ModelError(
            f"{name}: none of {len(trials)} trials finished, first error: {errors[0] if errors else 'none'}.",
            hint="the objective is at fault, not the optimiser: fit the model once with its default values.",
        )
    best = min(scores, key=scores.__getitem__)
    return Best(dict(trials[best].hyperparameters), scores[best], trial_table(trials), method, fallbacks)
