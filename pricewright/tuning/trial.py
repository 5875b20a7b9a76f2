"""One trial of a search, before and after it was made, and what a search found."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import polars as pl

from pricewright.tuning.space import Hyperparameters

State = Literal["finished", "pruned", "failed"]
Report = Callable[[int, float], None]
Objective = Callable[[Hyperparameters, Report], float]


class Pruned(Exception):
    """Raised by `report` inside an objective whose trial is not worth finishing; let it pass."""


@dataclass(frozen=True)
class Trial:
    """One set of hyperparameters and how it did; `score` is None unless the trial finished.

    reports: what the objective told on the way, as (step, value).
    """

    hyperparameters: Hyperparameters
    state: State
    score: float | None
    seconds: float
    method: str
    error: str = ""
    reports: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True)
class Attempt:
    """A trial that is still to be made, here or in another process: it is sent there whole.

    bars: by step, the value that the best report so far must not be above; a trial that is falls behind and is pruned.
    They are those of the moment when the trial was proposed, so that the trials beside it make no difference.
    """

    name: str
    objective: Objective
    hyperparameters: Hyperparameters
    method: str
    bars: Mapping[int, float]

    def __str__(self) -> str:
        return self.name


def make_trial(attempt: Attempt) -> Trial:
    """Try the hyperparameters; whatever the objective raises is the trial's error, not ours."""
    reports: list[tuple[int, float]] = []
    best = math.inf

    def report(step: int, value: float) -> None:
        nonlocal best
        reports.append((step, value))
        best = value if value < best else best
        if step in attempt.bars and not best <= attempt.bars[step]:
            raise Pruned

    def ended(state: State, score: float | None = None, error: str = "") -> Trial:
        seconds = time.perf_counter() - began
        return Trial(attempt.hyperparameters, state, score, seconds, attempt.method, error, tuple(reports))

    began = time.perf_counter()
    try:
        score = float(attempt.objective(dict(attempt.hyperparameters), report))
    except Pruned:
        return ended("pruned")
    except Exception as error:  # noqa: BLE001 - a trial may fail in any way: it is recorded, others go on
        return ended("failed", error=f"{type(error).__name__}: {error}")
    if not math.isfinite(score):
        return ended("failed", error=f"score is {score}: it must be finite")
    return ended("finished", score)


@dataclass(frozen=True)
class Best:
    """The best hyperparameters of a search (least score), all its trials, and who found them.

    method: the one that ran last (`grid` after a fallback); fallbacks: why it was fallen back to, in words.
    """

    hyperparameters: Hyperparameters
    score: float
    trials: pl.DataFrame
    method: str
    fallbacks: tuple[str, ...] = ()


def trial_table(trials: list[Trial]) -> pl.DataFrame:
    """One row per trial: number, method, state, score, seconds, error and one column per hyperparameter."""
    rows = [
        {
            "number": number,
            "method": trial.method,
            "state": trial.state,
            "score": trial.score,
            "seconds": round(trial.seconds, 3),
            "error": trial.error,
            **trial.hyperparameters,
        }
        for number, trial in enumerate(trials)
    ]
    return pl.DataFrame(rows, schema_overrides={"score": pl.Float64}, infer_schema_length=None)
