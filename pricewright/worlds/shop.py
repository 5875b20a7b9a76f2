"""What a simulated shop is made of: items in families, how it sets prices, what moves demand besides prices."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pricewright.worlds.kinds import Kind

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

GOODS = (
    "LANTERN", "MUG", "CAKE STAND", "PARASOL", "BUNTING", "DOORMAT", "CANDLE", "JAM JAR", "CLOCK", "PENCIL TIN",
    "TEAPOT", "CUSHION", "APRON", "BASKET", "NAPKINS", "SOAP DISH", "PHOTO FRAME", "DRAWER KNOB", "WRAP", "TOY BOX",
)  # fmt: skip
VARIETIES = ("RED", "BLUE", "GREEN", "IVORY", "LARGE", "SMALL", "VINTAGE", "STRIPED", "SPOTTY", "ROSE", "RETRO", "MINI")
ALIKE, APART = 0.2, 0.4  # log sd of the prices of a category: of substitutes, of different things
CATEGORY_SIZE = 8  # items, where each is a family of its own
DEPTHS = (0.1, 0.15, 0.2, 0.25, 0.33)
DISPLAYED = 0.7  # of the promotions
NEW_LABEL = 0.5  # share of the weeks in which a price that follows a cause is set again
WIDEST = 0.5  # log distance of a regular price from the usual one
YEAR = 52.18  # weeks
CHRISTMAS = 49  # week of the year with the most sales


@dataclass(frozen=True)
class Assortment:
    """family, category: (n,) numbers; the items of a family stand side by side. usual: (n,) prices."""

    codes: tuple[str, ...]
    descriptions: tuple[str, ...]
    family: Ints
    category: Ints
    usual: Floats

    @property
    def categories(self) -> tuple[str, ...]:
        """The category's name, by item."""
        return tuple(f"{GOODS[c % len(GOODS)]} {c // len(GOODS) + 1}" for c in self.category)


def stock_shelf(rng: np.random.Generator, kind: Kind, items: int) -> Assortment:
    """Draw families until `items` stand there; items of a category cost alike."""
    low, high = kind.family_sizes
    sizes = rng.integers(low, high + 1, items)
    family = np.repeat(np.arange(items), sizes)[:items]
    category = family if high > 1 else np.arange(items) // CATEGORY_SIZE
    usual = rng.normal(1.3, 0.6, items)[category] + rng.normal(0, np.where(high > 1, ALIKE, APART), items)
    number = np.sort(rng.choice(np.arange(20000, max(90000, 20000 + 9 * items)), items, replace=False))
    codes = tuple(f"{i}{letter}" for i, letter in zip(number, rng.choice(["", "", "", "A", "B"], items), strict=True))
    position = np.arange(items) - np.searchsorted(category, category)
    described = tuple(
        f"{VARIETIES[p % len(VARIETIES)]} {GOODS[c % len(GOODS)]} {c // len(GOODS) + 1}"
        for p, c in zip(position, category, strict=True)
    )
    return Assortment(codes, described, family, category, np.round(np.exp(usual).clip(0.6, 60.0), 2))


class Paths(NamedTuple):
    """regular: (n, weeks) prices; depth: (n, weeks) share taken off them, 0 without promotion; display: 0 or 1;
    rival: (n, weeks) log price of the rival over its usual one."""

    regular: Floats
    depth: Floats
    display: Floats
    rival: Floats


def draw_prices(rng: np.random.Generator, kind: Kind, assortment: Assortment, wave: Floats) -> Paths:
    """Draw price paths; wave: (n, weeks) the foreseeable part of log demand. All prices can stand on a label."""
    n, weeks = wave.shape
    categories = int(assortment.category[-1]) + 1
    rival = _jumps(rng, categories, weeks, 0.05, 0.09, 0.7)[assortment.category]
    log_ratio = _jumps(rng, n, weeks, kind.changes, kind.change_sd, kind.pull)
    log_ratio += _jumps(rng, categories, weeks, kind.common_changes, kind.common_sd, kind.pull)[assortment.category]
    log_ratio += _jumps(rng, 1, weeks, kind.common_changes, kind.common_sd, kind.pull)
    log_ratio += rng.normal(0, 0.04, (n, 1))  # how far the first price stands from the usual one
    if kind.causes:
        cost = _jumps(rng, categories, weeks, 0.05, 0.09, 0.7)[assortment.category]
        causes = {"demand": wave - wave.mean(axis=1, keepdims=True), "cost": cost, "rival": rival}
        cause = rng.choice(kind.causes, categories)[assortment.category, None]
        strength = rng.uniform(*kind.following, categories)[assortment.category, None]
        followed = strength * np.select([cause == name for name in causes], list(causes.values()))
        log_ratio += _held(followed, rng.random((n, weeks)) < NEW_LABEL)
    depth, display = _promotions(rng, kind.promotions, n, weeks)
    regular = np.maximum(np.round(assortment.usual[:, None] * np.exp(log_ratio.clip(-WIDEST, WIDEST)), 2), 0.05)
    return Paths(regular, depth, display, rival)


def paid(paths: Paths) -> Floats:
    """Prices at the till, (n, weeks)."""
    return np.maximum(np.round(paths.regular * (1 - paths.depth), 2), 0.05)


def _jumps(rng: np.random.Generator, n: int, weeks: int, rate: float, sd: float, pull: float) -> Floats:
    """Log prices that stand still, and now and then jump, back towards the usual price on average, (n, weeks)."""
    jumps = rng.random((n, weeks)) < rate
    steps = rng.normal(0, sd, (n, weeks))
    path = np.zeros((n, weeks))
    for t in range(1, weeks):
        path[:, t] = np.where(jumps[:, t], pull * path[:, t - 1] + steps[:, t], path[:, t - 1])
    return path


def _held(path: Floats, renewed: NDArray[np.bool_]) -> Floats:
    """The path as it stood when it was last renewed."""
    last = np.maximum.accumulate(np.where(renewed, np.arange(path.shape[1]), 0), axis=1)
    return np.take_along_axis(path, last, axis=1)


def _promotions(rng: np.random.Generator, rate: float, n: int, weeks: int) -> tuple[Floats, Floats]:
    """Depth and display of promotions that begin with this rate; four in ten last a second week."""
    begins = rng.random((n, weeks)) < rate
    depth: Floats = np.where(begins, rng.choice(DEPTHS, (n, weeks)), 0.0)
    display: Floats = np.where(begins & (rng.random((n, weeks)) < DISPLAYED), 1.0, 0.0)
    longer = (rng.random((n, weeks - 1)) < 0.4) & begins[:, :-1] & ~begins[:, 1:]
    for flags in (depth, display):
        flags[:, 1:] = np.where(longer, flags[:, :-1], flags[:, 1:])
    return depth, display


class Spread(NamedTuple):
    """Standard deviations of log demand at usual prices: of levels, seasons, trends (a year), slow shocks and weeks."""

    level: float
    season: float
    trend: float
    slow: float
    week: float

    def covariance(self, weeks: int) -> Floats:
        """Between the weeks of one item, or one family, (weeks, weeks)."""
        week = np.arange(weeks)
        waves, line = _waves(weeks), _line(weeks)
        earlier = np.minimum(week[:, None], week)
        slow = STAYS ** np.abs(week[:, None] - week) * (1 - STAYS ** (2 * (earlier + 1))) / (1 - STAYS**2)
        parts = (np.ones((weeks, weeks)), waves.T @ waves, np.outer(line, line), slow, np.eye(weeks))
        covariance: Floats = np.sum([sd**2 * part for sd, part in zip(self, parts, strict=True)], axis=0)
        return covariance


OF_FAMILY, OF_ITEM = Spread(0.6, 0.15, 0.12, 0.05, 0.07), Spread(0.6, 0.08, 0.1, 0.06, 0.0)
STAYS = 0.9  # of last week's slow shock


class State(NamedTuple):
    """base: (n, weeks) units at usual prices; wave: (n, weeks) the part of its log that a shop can foresee."""

    base: Floats
    wave: Floats


def draw_state(
    rng: np.random.Generator, kind: Kind, assortment: Assortment, units_per_week: float, weeks: int
) -> State:
    """Draw the demand at usual prices; units_per_week is the median item's."""
    n, families = len(assortment.family), int(assortment.family[-1]) + 1
    week = np.arange(weeks)
    christmas = rng.uniform(0.1, 0.5) * np.exp(-(((week % YEAR) - CHRISTMAS) ** 2) / 18)
    wave = _seasons(rng, 1, weeks, 0.08) + christmas
    family, item = OF_FAMILY, OF_ITEM
    common = _seasons(rng, families, weeks, family.season) + _trends(rng, families, weeks, family.trend)
    wave = wave + common[assortment.family]
    wave = wave + _seasons(rng, n, weeks, item.season) + _trends(rng, n, weeks, item.trend)
    shock = _slow(rng, families, weeks, family.slow)[assortment.family] + _slow(rng, n, weeks, item.slow)
    shock = shock + rng.normal(0, 0.06, weeks) + rng.normal(0, family.week, (families, weeks))[assortment.family]
    shock = shock + _breaks(rng, kind.breaking_levels, families, weeks)[assortment.family]
    slow = rng.random(n) < kind.slow
    level = rng.normal(np.log(units_per_week), item.level, n)
    level = level + rng.normal(0, family.level, families)[assortment.family]
    level = np.where(slow, np.log(rng.uniform(*kind.slow_units, n)), level)
    return State(np.exp(level[:, None] + wave + shock), wave)


def _seasons(rng: np.random.Generator, n: int, weeks: int, sd: float) -> Floats:
    """A year's wave and a half-year's, which has half of its size."""
    seasons: Floats = rng.normal(0, sd, (n, 4)) @ _waves(weeks)
    return seasons


def _waves(weeks: int) -> Floats:
    phase = 2 * np.pi * np.arange(weeks, dtype=np.float64) / YEAR
    waves: Floats = np.stack([np.sin(phase), np.cos(phase), 0.5 * np.sin(2 * phase), 0.5 * np.cos(2 * phase)])
    return waves


def _trends(rng: np.random.Generator, n: int, weeks: int, sd: float) -> Floats:
    """Straight lines in logs, sd per year, 0 in the middle."""
    return rng.normal(0, sd, (n, 1)) * _line(weeks)


def _line(weeks: int) -> Floats:
    return (np.arange(weeks, dtype=np.float64) - weeks / 2) / YEAR


def _slow(rng: np.random.Generator, n: int, weeks: int, sd: float) -> Floats:
    """An autoregression: 0.9 of last week's shock stays."""
    shock = rng.normal(0, sd, (n, weeks))
    for t in range(1, weeks):
        shock[:, t] += STAYS * shock[:, t - 1]
    return shock


def _breaks(rng: np.random.Generator, sd: float, n: int, weeks: int) -> Floats:
    """A jump in half of the rows, somewhere in the middle half of the history."""
    when = rng.integers(weeks // 4, max(weeks // 4 + 1, weeks * 3 // 4), (n, 1))
    jump = rng.normal(0, 1, (n, 1)) * sd * (rng.random((n, 1)) < 0.5)
    return jump * (np.arange(weeks) >= when)
