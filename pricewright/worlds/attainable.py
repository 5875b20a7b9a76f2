"""Yardsticks of a world: the best prices for an oracle, and for an agent that knows all but the curves.

It sees the same weeks as anybody. Levels, seasons, shocks and noise are given to it; the parameters of the curves
it must learn. Its posterior is Gaussian around the mode (Laplace), found by Gauss-Newton steps family by family.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pricewright.worlds.curves import FAMILY, ITEM, Curves, sell
from pricewright.worlds.world import Truth, World, sell_coming

Floats = NDArray[np.float64]
REACHES = (1.0, 0.4, 0.15, 1.0, 0.4, 0.15, 0.05)  # of each pass over all items, as shares of their guardrails
TRIED = 25  # prices for each item
Ints = NDArray[np.int64]
STEPS, LONGEST, NUDGE = 10, 1.0, 1e-3  # Gauss-Newton steps, the longest in prior standard deviations, differences
DRAWS = 64


def oracle_prices(world: World) -> Floats:
    """(n,): the prices with the highest true expected sales of the coming week."""
    curves = world.truth.curves
    return ascend(curves, lambda prices: curves.sums(world.sales(prices)), world.low, world.high, world.now)


def ascend(
    curves: Curves, family_sales: Callable[[Floats], Floats], low: Floats, high: Floats, start: Floats
) -> Floats:
    """Prices (n,) by coordinate ascent: one item of every family at a time, and each family as a whole.

    family_sales: expected sales (F, K) at K sets of prices (n, K). Never worse than start.
    """
    family = curves.family
    place = np.arange(len(family)) - np.searchsorted(family, family)
    best, prices = family_sales(start[:, None])[:, 0], start.copy()
    for reach in REACHES:
        for p in (-1, *range(int(place.max()) + 1)):
            chosen = (place == p) | (p < 0)
            tried = np.where(chosen[:, None], _around(prices, low, high, reach, together=p < 0), prices[:, None])
            earned = family_sales(tried)
            found = earned.argmax(axis=1)
            better = earned[np.arange(len(found)), found] > best * (1 + 1e-9)
            best = np.where(better, earned[np.arange(len(found)), found], best)
            prices = np.where(better[family], tried[np.arange(len(family)), found[family]], prices)
    return prices


def _around(prices: Floats, low: Floats, high: Floats, reach: float, *, together: bool) -> Floats:
    """Prices to try, (n, TRIED), within the guardrail: a part of the way to either end, or all times one factor."""
    step = np.linspace(-1, 1, TRIED) * reach
    if together:
        return np.clip(prices[:, None] * np.exp(0.5 * step), low[:, None], high[:, None])
    down, up = (prices - low)[:, None], (high - prices)[:, None]
    return prices[:, None] + np.where(step < 0, down, up) * step


class Standard(NamedTuple):
    """Parameters in standard deviations from the prior mean: families (F, 5), items (n, 3)."""

    families: Floats
    items: Floats


def attainable_prices(world: World, seed: int = 0) -> Floats:
    """(n,): the prices with the highest sales of the coming week on average over the agent's posterior."""
    return _best_prices(world, posterior_curves(world, seed))


def prior_prices(world: World, seed: int = 0) -> Floats:
    """(n,): the prices of the same agent before it has seen a week: what takes no learning."""
    rng, curves = np.random.default_rng(seed), world.truth.curves
    drawn = (rng.standard_normal((DRAWS, *shape)) for shape in (curves.families.shape, curves.items.shape))
    return _best_prices(world, _curves_at(curves, Standard(*drawn)))


def _best_prices(world: World, drawn: Curves) -> Floats:
    takings = world.truth.takings[:, None]

    def family_sales(prices: Floats) -> Floats:
        return drawn.sums(prices * takings * sell_coming(world.truth, drawn, prices).mean(axis=0))

    return ascend(drawn, family_sales, world.low, world.high, world.now)


def posterior_curves(world: World, seed: int = 0) -> Curves:
    """The curves with DRAWS sets of parameters from the agent's posterior."""
    rng = np.random.default_rng(seed)
    curves = world.truth.curves
    mode = Standard(np.zeros_like(curves.families), np.zeros_like(curves.items))
    for step in range(STEPS):
        change, _ = _towards_mode(world, mode)
        mode = Standard(*(m + c * (0.7 if step < STEPS - 3 else 1.0) for m, c in zip(mode, change, strict=True)))
    _, roots = _towards_mode(world, mode)
    families = np.repeat(mode.families[None], DRAWS, axis=0)
    items = np.repeat(mode.items[None], DRAWS, axis=0)
    for f, (root, columns, members) in enumerate(roots):
        drawn = np.linalg.solve(root.T, rng.standard_normal((len(root), DRAWS))).T
        own = columns < len(FAMILY)
        families[:, f, columns[own]] += drawn[:, own]
        place, parameter = np.divmod(columns[~own] - len(FAMILY), len(ITEM))
        items[:, members[place], parameter] += drawn[:, ~own]
    return _curves_at(curves, Standard(families, items))


def _curves_at(curves: Curves, at: Standard) -> Curves:
    (family_mean, family_sd), (item_mean, item_sd) = curves.family_prior, curves.item_prior
    return curves.with_parameters(family_mean + family_sd * at.families, item_mean + item_sd * at.items)


def _towards_mode(world: World, at: Standard) -> tuple[Standard, list[tuple[Floats, Ints, Ints]]]:
    """The step to the mode of every family; and of each, the root of its precision, its columns and its items.

    Columns are numbered 0 to 4 for the family's parameters, then three for each item.
    """
    truth, curves = world.truth, world.truth.curves
    mean = _mean(truth, at)
    weight = np.where(mean > 1e-9, mean * truth.size[:, None] / (mean + truth.size[:, None]), 0.0)
    residual = np.where(mean > 1e-9, world.units / np.maximum(mean, 1e-9) - 1, 0.0)
    slopes = _slopes(truth, at, mean)
    change = Standard(np.zeros_like(at.families), np.zeros_like(at.items))
    roots: list[tuple[Floats, Ints, Ints]] = []
    for f, members in enumerate(_members(curves)):
        columns = np.array([c for c in slopes if c < len(FAMILY) + len(ITEM) * len(members)], dtype=np.int64)
        slope = np.stack([slopes[int(c)][members].ravel() for c in columns], axis=1)
        place, parameter = np.divmod(columns - len(FAMILY), len(ITEM))
        own = columns < len(FAMILY)
        now = np.where(own, at.families[f, columns * own], at.items[members[place * ~own], parameter * ~own])
        weighted = slope * weight[members].ravel()[:, None]
        precision = slope.T @ weighted + np.eye(len(columns))
        step = np.linalg.solve(precision, weighted.T @ residual[members].ravel() - now)
        step /= max(1.0, float(np.abs(step).max()) / LONGEST)
        change.families[f, columns[own]] = step[own]
        change.items[members[place[~own]], parameter[~own]] = step[~own]
        root = np.asarray(np.linalg.cholesky(precision), dtype=np.float64)
        roots.append((root, columns, members))
    return change, roots


def _members(curves: Curves) -> list[Ints]:
    """The items of each family."""
    return np.split(np.arange(len(curves.family), dtype=np.int64), curves.starts[1:])


def _mean(truth: Truth, at: Standard) -> Floats:
    return sell(_curves_at(truth.curves, at), truth.base, truth.offer) * truth.afterwards


def _slopes(truth: Truth, at: Standard, mean: Floats) -> dict[int, Floats]:
    """d log mean / d parameter, (n, T), by column: the parameter of every family, or of its item in one place."""
    curves = truth.curves
    place = np.arange(len(curves.family)) - np.searchsorted(curves.family, curves.family)

    def slope(moved: Standard) -> Floats:
        nudged = _mean(truth, moved)
        return np.where(mean > 1e-9, np.log(np.maximum(nudged, 1e-9) / np.maximum(mean, 1e-9)) / NUDGE, 0.0)

    slopes = {}
    for parameter in np.flatnonzero(curves.family_prior[1] > 0):
        families = at.families.copy()
        families[:, parameter] += NUDGE
        slopes[int(parameter)] = slope(Standard(families, at.items))
    for p in range(int(place.max()) + 1):
        for parameter in np.flatnonzero(curves.item_prior[1] > 0):
            items = at.items.copy()
            items[place == p, parameter] += NUDGE
            slopes[len(FAMILY) + len(ITEM) * p + int(parameter)] = slope(Standard(at.families, items))
    return slopes
