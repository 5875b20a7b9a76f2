"""How a shop sets prices: regular prices that move alone or together or follow a cause, and promotions."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pricewright.worlds.kinds import Kind
from pricewright.worlds.shelf import Shelf

Floats = NDArray[np.float64]
DEPTHS = (0.1, 0.15, 0.2, 0.25, 0.33)
DISPLAYED = 0.7  # of the promotions
NEW_LABEL = 0.5  # share of the weeks in which a price that follows a cause is set anew
WIDEST = 0.5  # log distance of a regular price from the usual one


class Paths(NamedTuple):
    """regular: (n, weeks) prices; depth: (n, weeks) share taken off them, 0 without promotion; display: 0 or 1;
    rival: (n, weeks) log price of the rival over its usual one."""

    regular: Floats
    depth: Floats
    display: Floats
    rival: Floats


def draw_prices(rng: np.random.Generator, kind: Kind, shelf: Shelf, wave: Floats) -> Paths:
    """Draw price paths; wave: (n, weeks) the foreseeable part of log demand. All prices can stand on a label."""
    n, weeks = wave.shape
    categories = int(shelf.category[-1]) + 1
    rival = _jumps(rng, categories, weeks, 0.05, 0.09, 0.7)[shelf.category]
    log_ratio = _jumps(rng, n, weeks, kind.changes, kind.change_sd, kind.pull)
    log_ratio += _jumps(rng, categories, weeks, kind.common_changes, kind.common_sd, kind.pull)[shelf.category]
    log_ratio += _jumps(rng, 1, weeks, kind.common_changes, kind.common_sd, kind.pull)
    log_ratio += rng.normal(0, 0.04, (n, 1))  # how far the first price stands from the usual one
    if kind.causes:
        cost = _jumps(rng, categories, weeks, 0.05, 0.09, 0.7)[shelf.category]
        causes = {"demand": wave - wave.mean(axis=1, keepdims=True), "cost": cost, "rival": rival}
        cause = rng.choice(kind.causes, categories)[shelf.category, None]
        strength = rng.uniform(*kind.following, categories)[shelf.category, None]
        followed = strength * np.select([cause == name for name in causes], list(causes.values()))
        log_ratio += _held(followed, rng.random((n, weeks)) < NEW_LABEL)
    depth, display = _promotions(rng, kind.promotions, n, weeks)
    regular = np.maximum(np.round(shelf.usual[:, None] * np.exp(log_ratio.clip(-WIDEST, WIDEST)), 2), 0.05)
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
