"""Looking back: what was known of every SKU (or family) when a week began, and nothing else.

All features of sales are made of these. A `Past` holds the weeks before as arrays (n,), the newest first, 0 where a SKU
was not yet there; what is made of it is nan where nothing is known. Every sum is taken from the newest week to the
oldest, so that it is the same, bit for bit, wherever a build of the panel began.
"""

from collections import deque
from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]


class Past:
    """depth: how many weeks back each measure is remembered; age: (n,) for how many weeks each SKU has been there."""

    def __init__(self, depth: Mapping[str, int], count: int) -> None:
        self._weeks = {measure: deque[Floats](maxlen=weeks) for measure, weeks in depth.items()}
        self._sums: dict[tuple[str, int], Floats] = {}
        self.age: Whole = np.zeros(count, np.int64)

    def add(self, week: Mapping[str, Floats], age: Whole) -> None:
        """A week is over: its measures, and the age of every SKU after it."""
        for measure, weeks in self._weeks.items():
            weeks.appendleft(week[measure])
        self._sums.clear()
        self.age = age

    def at(self, measure: str, weeks: int) -> Floats:
        """The values `weeks` weeks before, 0 where there were none."""
        known = self._weeks[measure]
        return known[weeks - 1] if weeks <= len(known) else np.zeros(len(self.age))

    def total(self, measure: str, weeks: int) -> Floats:
        """Sum over `weeks` weeks before."""
        if (measure, weeks) not in self._sums:
            shorter = max((k for name, k in self._sums if name == measure and k < weeks), default=0)
            total = self._sums[measure, shorter].copy() if shorter else np.zeros(len(self.age))
            for value in list(self._weeks[measure])[shorter:weeks]:
                total += value
            self._sums[measure, weeks] = total
        return self._sums[measure, weeks]

    def count(self, weeks: int, late: int = 0) -> Floats:
        """How many of the `weeks` weeks before are known, nan where none is."""
        known = np.clip(self.age - late, 0, weeks).astype(np.float64)
        return np.where(known > 0, known, np.nan)

    def median(self, measure: str, weeks: int) -> Floats:
        """Median of up to `weeks` weeks before."""
        values, known = self._ascending(measure, weeks)
        row = np.arange(len(values))
        middle = (values[row, (known - 1) // 2] + values[row, known // 2]) / 2
        return np.where(self.age > 0, middle, np.nan)

    def quantile(self, measure: str, weeks: int, share: float) -> Floats:
        """The value of up to `weeks` weeks before that at least `share` of them do not exceed."""
        values, known = self._ascending(measure, weeks)
        found = values[np.arange(len(values)), np.ceil(share * (known - 1)).astype(np.int64)]
        return np.where(self.age > 0, found, np.nan)

    def _ascending(self, measure: str, weeks: int) -> tuple[Floats, Whole]:
        """The values of up to `weeks` weeks before in order, (n, weeks), and how many of each row are known."""
        values = np.stack([self.at(measure, k) for k in range(1, weeks + 1)], axis=1)
        values[np.arange(weeks) >= self.age[:, None]] = np.inf
        values.sort(axis=1)
        return values, np.clip(self.age, 1, weeks)


Look = Callable[[Past], Floats]


def before(measure: str, weeks: int = 1) -> Look:
    """The value `weeks` weeks before."""
    return lambda past: np.where(past.age >= weeks, past.at(measure, weeks), np.nan)


def mean_before(measure: str, weeks: int, late: int = 0) -> Look:
    """Mean over up to `weeks` weeks before; `late`: this many of a SKU's first weeks do not have the measure."""
    return lambda past: past.total(measure, weeks) / past.count(weeks, late)


def sum_before(measure: str, weeks: int) -> Look:
    """Sum over up to `weeks` weeks before."""
    return lambda past: np.where(past.age > 0, past.total(measure, weeks), np.nan)


def share_before(part: str, whole: str, weeks: int) -> Look:
    """The part's share of the whole over up to `weeks` weeks before; nan where the whole was 0."""
    return partial(_share, part, whole, weeks)


def momentum(measure: str, short: int, long: int) -> Look:
    """How much higher the mean of a short time is than that of a long one."""
    return lambda past: mean_before(measure, short)(past) - mean_before(measure, long)(past)


def median_before(measure: str, weeks: int) -> Look:
    """Median over up to `weeks` weeks before."""
    return lambda past: past.median(measure, weeks)


def spread_before(measure: str, weeks: int) -> Look:
    """Standard deviation (of a sample) over up to `weeks` weeks before, from two on."""
    return partial(_spread, measure, weeks)


def largest_before(measure: str, weeks: int) -> Look:
    """The largest value, none of them below 0, of up to `weeks` weeks before."""
    return partial(_extreme, measure, weeks, np.maximum, 0.0)


def least_before(measure: str, weeks: int) -> Look:
    """The least value of up to `weeks` weeks before."""
    return partial(_extreme, measure, weeks, np.minimum, np.inf)


def logged(look: Look) -> Look:
    """log(1 + value)."""
    return lambda past: np.log1p(look(past))


def _share(part: str, whole: str, weeks: int, past: Past) -> Floats:
    total = past.total(whole, weeks)
    share: Floats = past.total(part, weeks) / np.where(total > 0, total, np.nan)
    return share


def _spread(measure: str, weeks: int, past: Past) -> Floats:
    known = past.count(weeks)
    mean = past.total(measure, weeks) / known
    squares = np.zeros(len(mean))
    for back in range(1, weeks + 1):
        squares += np.where(past.age >= back, (past.at(measure, back) - mean) ** 2, 0.0)
    spread: Floats = np.sqrt(squares / np.where(known > 1, known - 1, np.nan))
    return spread


def _extreme(measure: str, weeks: int, choose: np.ufunc, otherwise: float, past: Past) -> Floats:
    found = np.full(len(past.age), otherwise)
    for back in range(1, weeks + 1):
        found = np.where(past.age >= back, choose(found, past.at(measure, back)), found)
    return np.where(past.age > 0, found, np.nan)
