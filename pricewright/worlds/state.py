"""What moves demand besides prices: levels, seasons, trends, slow shocks and single weeks, shop-wide and closer by."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pricewright.worlds.kinds import Kind
from pricewright.worlds.shelf import Shelf

Floats = NDArray[np.float64]
YEAR = 52.18  # weeks
CHRISTMAS = 49  # week of the year with the most sales


class State(NamedTuple):
    """base: (n, weeks) units at usual prices; wave: (n, weeks) the part of its log that a shop can foresee."""

    base: Floats
    wave: Floats


def draw_state(rng: np.random.Generator, kind: Kind, shelf: Shelf, units_per_week: float, weeks: int) -> State:
    """Draw the demand at usual prices; units_per_week is the median item's."""
    n, families = len(shelf.family), int(shelf.family[-1]) + 1
    week = np.arange(weeks)
    christmas = rng.uniform(0.1, 0.5) * np.exp(-(((week % YEAR) - CHRISTMAS) ** 2) / 18)
    wave = _seasons(rng, 1, weeks, 0.08) + christmas
    wave = wave + (_seasons(rng, families, weeks, 0.15) + _trends(rng, families, weeks, 0.12))[shelf.family]
    wave = wave + _seasons(rng, n, weeks, 0.08) + _trends(rng, n, weeks, 0.1)
    shock = _slow(rng, families, weeks, 0.05)[shelf.family] + _slow(rng, n, weeks, 0.06)
    shock = shock + rng.normal(0, 0.06, weeks) + rng.normal(0, 0.07, (families, weeks))[shelf.family]
    shock = shock + _breaks(rng, kind.breaking_levels, families, weeks)[shelf.family]
    slow = rng.random(n) < kind.slow
    level = rng.normal(np.log(units_per_week), 0.6, n) + rng.normal(0, 0.6, families)[shelf.family]
    level = np.where(slow, np.log(rng.uniform(*kind.slow_units, n)), level)
    return State(np.exp(level[:, None] + wave + shock), wave)


def _seasons(rng: np.random.Generator, n: int, weeks: int, sd: float) -> Floats:
    """A year's wave and a half-year's, which has half of its size."""
    phase = 2 * np.pi * np.arange(weeks) / YEAR
    waves = np.stack([np.sin(phase), np.cos(phase), 0.5 * np.sin(2 * phase), 0.5 * np.cos(2 * phase)])
    seasons: Floats = rng.normal(0, sd, (n, 4)) @ waves
    return seasons


def _trends(rng: np.random.Generator, n: int, weeks: int, sd: float) -> Floats:
    """Straight lines in logs, sd per year, 0 in the middle."""
    return rng.normal(0, sd, (n, 1)) * (np.arange(weeks) - weeks / 2) / YEAR


def _slow(rng: np.random.Generator, n: int, weeks: int, sd: float) -> Floats:
    """An autoregression: 0.9 of last week's shock stays."""
    shock = rng.normal(0, sd, (n, weeks))
    for t in range(1, weeks):
        shock[:, t] += 0.9 * shock[:, t - 1]
    return shock


def _breaks(rng: np.random.Generator, sd: float, n: int, weeks: int) -> Floats:
    """A jump in half of the rows, somewhere in the middle half of the history."""
    when = rng.integers(weeks // 4, max(weeks // 4 + 1, weeks * 3 // 4), (n, 1))
    jump = rng.normal(0, 1, (n, 1)) * sd * (rng.random((n, 1)) < 0.5)
    return jump * (np.arange(weeks) >= when)
