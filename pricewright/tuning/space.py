"""The search space of hyperparameters, as params.yaml spells it, and the trials made in it.

`{name: {low, high, log?, int?} | {choices: [...]}}`: a range, searched on a log scale and in whole numbers
where it says so, or a list of values.
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl

from pricewright.core.errors import ParameterError

Value = float | int | str | bool
Hyperparameters = dict[str, Value]
RANGE_KEYS = {"low", "high", "log", "int"}
State = Literal["finished", "pruned", "failed"]
Report = Callable[[int, float], None]
Objective = Callable[[Hyperparameters, Report], float]


@dataclass(frozen=True)
class Range:
    """Numbers from low to high, both included."""

    name: str
    low: float
    high: float
    log: bool = False
    integer: bool = False

    @property
    def size(self) -> float:
        """How many different values there are."""
        return self.high - self.low + 1 if self.integer else float("inf")

    def holds(self, value: Value) -> bool:
        """Whether the value is inside."""
        number = isinstance(value, int if self.integer else float | int) and not isinstance(value, bool)
        return number and self.low <= float(value) <= self.high

    def at(self, share: float) -> Value:
        """The value at `share` (0 to 1) of the way from low to high."""
        value = self.low * (self.high / self.low) ** share if self.log else self.low + (self.high - self.low) * share
        return min(max(round(value), int(self.low)), int(self.high)) if self.integer else float(value)


@dataclass(frozen=True)
class Choice:
    """One of the listed values."""

    name: str
    values: tuple[Value, ...]

    @property
    def size(self) -> float:
        """How many different values there are."""
        return len(self.values)

    def holds(self, value: Value) -> bool:
        """Whether the value is in the list."""
        return value in self.values

    def at(self, share: float) -> Value:
        """The value at `share` (0 to 1) of the way through the list."""
        return self.values[min(int(share * len(self.values)), len(self.values) - 1)]


Dimension = Range | Choice


def read_space(space: Mapping[str, Any]) -> tuple[Dimension, ...]:
    """The dimensions of a search space in the order given; ParameterError names the one that breaks a rule."""
    if not isinstance(space, Mapping) or not space:
        raise ParameterError(
            f"search space is {space!r}: it must name at least one hyperparameter.",
            hint="write {name: {low: 0.01, high: 1.0, log: true}} or {name: {choices: [a, b]}}.",
        )
    return tuple(_dimension(name, spec) for name, spec in space.items())


def check_inside(hyperparameters: Mapping[str, Value], dimensions: tuple[Dimension, ...]) -> None:
    """ParameterError when a hyperparameter is missing, unknown or outside its dimension."""
    names = [dimension.name for dimension in dimensions]
    if set(hyperparameters) != set(names):
        raise ParameterError(f"the start has {sorted(hyperparameters)}: it must have {sorted(names)}, as the space.")
    for dimension in dimensions:
        if not dimension.holds(hyperparameters[dimension.name]):
            raise ParameterError(
                f"{dimension.name} starts at {hyperparameters[dimension.name]!r}: it must lie inside its search space."
            )


def _dimension(name: str, spec: object) -> Dimension:
    if not isinstance(spec, Mapping):
        raise ParameterError(f"search space of {name} is {spec!r}: it must be a mapping with low and high, or choices.")
    if set(spec) == {"choices"}:
        return _choice(name, spec["choices"])
    if not {"low", "high"} <= set(spec) <= RANGE_KEYS:
        raise ParameterError(
            f"search space of {name} has the keys {sorted(map(str, spec))}: "
            "it must have low and high (and may have log and int), or choices alone."
        )
    return _range(name, spec)


def _choice(name: str, values: object) -> Choice:
    listed = list(values) if isinstance(values, Sequence) and not isinstance(values, str) else []
    if not listed or not all(isinstance(value, float | int | str) for value in listed):
        raise ParameterError(f"choices of {name} is {values!r}: it must be a list of numbers, words or truth values.")
    return Choice(name, tuple(listed))


def _range(name: str, spec: Mapping[str, Any]) -> Range:
    low, high, log, integer = spec["low"], spec["high"], spec.get("log", False), spec.get("int", False)
    for key, value in (("low", low), ("high", high)):
        if isinstance(value, bool) or not isinstance(value, float | int):
            raise ParameterError(
                f"{key} of {name} is {value!r}: it must be a number.",
                hint="YAML reads 1e-3 as a word, 1.0e-3 as a number.",
            )
    for key, flag in (("log", log), ("int", integer)):
        if not isinstance(flag, bool):
            raise ParameterError(f"{key} of {name} is {flag!r}: it must be true or false.")
    if not low < high or (log and low <= 0) or (integer and not (low == int(low) and high == int(high))):
        raise ParameterError(
            f"search space of {name} runs from {low} to {high}: low < high is needed, "
            "low > 0 with log, whole numbers with int."
        )
    return Range(name, float(low), float(high), log, integer)


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
