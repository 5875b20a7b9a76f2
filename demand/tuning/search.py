"""The loop of a search: ask the optimiser, try the objective, tell the optimiser, in one or more threads."""

import functools
import math
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TypeVar

from demand.tuning.optimiser import Optimiser, Task
from demand.tuning.space import Hyperparameters
from demand.tuning.trial import Trial

Report = Callable[[int, float], None]
Objective = Callable[[Hyperparameters, Report], float]
Progress = Callable[[int, int, float], None]
Result = TypeVar("Result")


class Pruned(Exception):
    """Raised by `report` inside an objective whose trial is not worth finishing; let it pass."""


class OptimiserFailed(Exception):
    """The optimiser, not the objective, is at fault; its message says how."""


class Search:
    """The trials so far and the loop that adds to them; optimisers are called under one lock."""

    def __init__(self, objective: Objective, budget: int, workers: int, progress: Progress | None) -> None:
        self._objective = objective
        self._budget = budget
        self._workers = workers
        self._progress = progress
        self._lock = threading.Lock()
        self._started = 0
        self.trials: list[Trial] = []

    def run(self, method: str, make: Callable[[Task], Optimiser], task: Task) -> None:
        """Trials until the budget is spent or the optimiser has no more to propose."""
        optimiser = _guarded(lambda: make(task))
        try:
            self.trials += _guarded(optimiser.earlier)
            self._started = len(self.trials)
            workers = self._workers if optimiser.parallel else 1
            if workers == 1:
                self._work(method, optimiser)
                return
            with ThreadPoolExecutor(workers) as pool:
                try:
                    for future in [pool.submit(self._work, method, optimiser) for _ in range(workers)]:
                        future.result()
                finally:
                    self._started = self._budget  # on an error or an interrupt the other workers end too
        finally:
            optimiser.close()

    def _work(self, method: str, optimiser: Optimiser) -> None:
        while True:
            with self._lock:
                if self._started >= self._budget:
                    return
                asked = _guarded(optimiser.ask)
                if asked is None:
                    return
                self._started += 1
            ticket, hyperparameters = asked
            trial = self._known(method, hyperparameters) or self._try(method, optimiser, ticket, hyperparameters)
            with self._lock:
                self.trials.append(trial)
                _guarded(functools.partial(optimiser.tell, ticket, trial))
                self._show()

    def _show(self) -> None:
        if self._progress is not None:
            scores = [trial.score for trial in self.trials if trial.score is not None]
            self._progress(len(self.trials), self._budget, min(scores, default=math.nan))

    def _known(self, method: str, hyperparameters: Hyperparameters) -> Trial | None:
        """The finished trial of the same hyperparameters: an objective is deterministic, it is not asked twice."""
        for trial in list(self.trials):
            if trial.hyperparameters == hyperparameters and trial.state == "finished":
                return replace(trial, method=method, seconds=0.0)
        return None

    def _try(self, method: str, optimiser: Optimiser, ticket: int, hyperparameters: Hyperparameters) -> Trial:
        def report(step: int, value: float) -> None:
            with self._lock:
                give_up = _guarded(lambda: optimiser.prune(ticket, step, value))
            if give_up:
                raise Pruned

        began = time.perf_counter()
        try:
            score = float(self._objective(dict(hyperparameters), report))
        except Pruned:
            return Trial(hyperparameters, "pruned", None, time.perf_counter() - began, method)
        except OptimiserFailed:
            raise
        except Exception as error:  # noqa: BLE001 - a trial may fail in any way: it is recorded, others go on
            seconds = time.perf_counter() - began
            return Trial(hyperparameters, "failed", None, seconds, method, f"{type(error).__name__}: {error}")
        seconds = time.perf_counter() - began
        if not math.isfinite(score):
            return Trial(hyperparameters, "failed", None, seconds, method, f"score is {score}: it must be finite")
        return Trial(hyperparameters, "finished", score, seconds, method)


def _guarded(call: Callable[[], Result]) -> Result:
    try:
        return call()
    except Exception as error:  # an optimiser can fail in any way, each of them leads to the grid
        raise OptimiserFailed(f"{type(error).__name__}: {error}") from error
