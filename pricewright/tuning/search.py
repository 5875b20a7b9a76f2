"""Searches hyperparameters with any optimiser: ask, run trials in parallel, tell; the grid is the fallback."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol, TypeVar

from pricewright.core.errors import ModelError, ParameterError
from pricewright.tuning.optimisers import GridSearch, Optimiser, Optuna, Proposal, ScikitOptimize, Task
from pricewright.tuning.space import (
    Attempt,
    Best,
    Hyperparameters,
    Objective,
    Trial,
    check_inside,
    make_trial,
    read_space,
    trial_table,
)

Argument = TypeVar("Argument")
Result = TypeVar("Result")
Progress = Callable[[int, int, float], None]
OPTIMISERS: Mapping[str, Callable[[Task], Optimiser]] = MappingProxyType(
    {"optuna": Optuna, "scikit-optimize": ScikitOptimize, "grid": GridSearch}
)


class TaskMap(Protocol):
    """Calls a function on each argument, as the builtin `map` does: results come in the order of the arguments.

    The function and the arguments may be pickled and sent to another process.
    """

    def __call__(
        self, function: Callable[[Argument], Result], arguments: Iterable[Argument], /
    ) -> Iterable[Result]: ...


@contextmanager
def on_threads(workers: int) -> Iterator[TaskMap]:
    """A Spread over this many threads of this process; what they have not begun when the context ends is dropped."""
    pool = ThreadPoolExecutor(workers, thread_name_prefix="trial")
    try:
        yield pool.map
    finally:
        pool.shutdown(cancel_futures=True)


class OptimiserFailed(Exception):
    """The optimiser, not the objective, is at fault; its message says how."""


class Search:
    """The trials so far and the loop that adds to them."""

    def __init__(self, objective: Objective, task_map: TaskMap, progress: Progress | None) -> None:
        self._objective = objective
        self._spread = task_map
        self._progress = progress
        self.trials: list[Trial] = []

    def run(self, method: str, make: Callable[[Task], Optimiser], task: Task) -> None:
        """Trials until the budget is spent or the optimiser has no more to propose."""
        optimiser = _guarded(lambda: make(task))
        try:
            self.trials += _guarded(optimiser.earlier)
            while len(self.trials) < task.budget:
                count = min(task.workers, task.budget - len(self.trials))
                proposals = _guarded(lambda count=count: optimiser.ask(count))  # type: ignore[misc]
                if not proposals:
                    return
                self._make(method, optimiser, proposals, task)
        finally:
            optimiser.close()

    def _make(self, method: str, optimiser: Optimiser, proposals: list[Proposal], task: Task) -> None:
        """One batch; each trial is told as soon as those before it are, so that a kill loses no finished one."""
        bars = _guarded(optimiser.bars)
        known = {_key(trial.hyperparameters): trial for trial in self.trials if trial.state == "finished"}
        attempts: dict[str, Attempt] = {}
        for number, (_, hyperparameters) in enumerate(proposals, len(self.trials)):
            key, name = _key(hyperparameters), f"{task.name} {number}"
            if key not in known and key not in attempts:
                attempts[key] = Attempt(name, self._objective, hyperparameters, method, bars)
        made = iter(self._spread(make_trial, list(attempts.values())))
        for ticket, hyperparameters in proposals:
            key = _key(hyperparameters)
            # An objective is deterministic: the same hyperparameters are not tried twice.
            trial = replace(known[key], method=method, seconds=0.0) if key in known else next(made)
            known.setdefault(key, trial)
            self.trials.append(trial)
            _guarded(lambda ticket=ticket, trial=trial: optimiser.tell(ticket, trial))  # type: ignore[misc]
            self._show(task.budget)

    def _show(self, budget: int) -> None:
        if self._progress is not None:
            scores = [trial.score for trial in self.trials if trial.score is not None]
            self._progress(len(self.trials), budget, min(scores, default=math.nan))


def _key(hyperparameters: Hyperparameters) -> str:
    return repr(sorted(hyperparameters.items()))


def _guarded(call: Callable[[], Result]) -> Result:
    try:
        return call()
    except Exception as error:  # an optimiser can fail in any way, each of them leads to the grid
        raise OptimiserFailed(f"{type(error).__name__}: {error}") from error


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
    task_map: TaskMap = map,
    name: str = "search",
    start: Hyperparameters | None = None,
    optimisers: Mapping[str, Callable[[Task], Optimiser]] = OPTIMISERS,
) -> Best:
    """The hyperparameters with the least `objective(hyperparameters, report)` among `budget` trials.

    `report(step, value)` raises Pruned when the trial is not worth finishing (optuna only). `workers` trials are
    proposed at once and made by `task_map`, where and in whatever order that may be: the result depends on their number
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
    search = Search(objective, task_map, progress)
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
