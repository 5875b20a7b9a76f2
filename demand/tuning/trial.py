"""One trial of a search, and what a search found."""

from dataclasses import dataclass
from typing import Literal

import polars as pl

from demand.tuning.space import Hyperparameters

State = Literal["finished", "pruned", "failed"]


@dataclass(frozen=True)
class Trial:
    """One set of hyperparameters and how it did; `score` is None unless the trial finished."""

    hyperparameters: Hyperparameters
    state: State
    score: float | None
    seconds: float
    method: str
    error: str = ""


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
