"""The loop of a search: ask the optimiser for a few trials, have them made, tell it how they did in the same order.

The trials of a batch may be made anywhere and end in any order: what is asked next depends on none of it, so that
one seed finds the same hyperparameters in one thread, in many, and on a cluster.
"""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from pricewright.tuning.optimiser import Optimiser, Proposal, Task
from pricewright.tuning.space import Hyperparameters
from pricewright.tuning.spread import Spread
from pricewright.tuning.trial import Attempt, Objective, Trial, make_trial

Progress = Callable[[int, int, float], None]
Result = TypeVar("Result")


class OptimiserFailed(Exception):
    """The optimiser, not the objective, is at fault; its message says how."""


class Search:
    """The trials so far and the loop that adds to them."""

    def __init__(self, objective: Objective, spread: Spread, progress: Progress | None) -> None:
        self._objective = objective
        self._spread = spread
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
