"""Yardsticks of a world: the best prices for an oracle, and for an agent that knows all but the curves.

It sees the same weeks as anybody. Levels, seasons, shocks and noise are given to it; the parameters of the curves
it must learn. Its posterior is Gaussian around the mode (Laplace), found by Gauss-Newton steps family by family.
"""

from collections.abc import Callable, Mapping, Sequence
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
NOTHING = 1e-9  # units


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
    position = np.arange(len(family)) - np.searchsorted(family, family)
    best, prices = family_sales(start[:, None])[:, 0], start.copy()
    for reach in REACHES:
        for p in (-1, *range(int(position.max()) + 1)):
            chosen = (position == p) | (p < 0)
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


class Block(NamedTuple):
    """The parameters of one family: columns 0 to 4 are its own, then three for each of its members."""

    family: int
    members: Ints
    columns: Ints

    def _indices(self) -> tuple[NDArray[np.bool_], Ints, Ints]:
        own = self.columns < len(FAMILY)
        position, parameter = np.divmod(np.where(own, len(FAMILY), self.columns) - len(FAMILY), len(ITEM))
        return own, self.members[position], parameter

    def read(self, at: Standard) -> Floats:
        """(c,): the block's parameters."""
        own, item, parameter = self._indices()
        return np.where(own, at.families[self.family, self.columns * own], at.items[item, parameter])

    def add(self, at: Standard, values: Floats) -> None:
        """Add values (..., c) to the block's parameters; at may have the same leading axes."""
        own, item, parameter = self._indices()
        at.families[..., self.family, self.columns[own]] += values[..., own]
        at.items[..., item[~own], parameter[~own]] += values[..., ~own]

    def slope(self, slopes: Mapping[int, Floats]) -> Floats:
        """(m x T, c): d log mean of the members' weeks by the block's parameters."""
        return np.stack([slopes[int(column)][self.members].ravel() for column in self.columns], axis=1)


def attainable_prices(world: World, seed: int = 0) -> Floats:
    """(n,): the prices with the highest sales of the coming week on average over the agent's posterior."""
    return best_prices(world.truth, posterior_curves(world, seed), world)


def prior_prices(world: World, seed: int = 0) -> Floats:
    """(n,): the prices of the same agent before it has seen a week: what takes no learning."""
    rng, curves = np.random.default_rng(seed), world.truth.curves
    drawn = (rng.standard_normal((DRAWS, *shape)) for shape in (curves.families.shape, curves.items.shape))
    return best_prices(world.truth, curves_at(curves, Standard(*drawn)), world)


def best_prices(known: Truth, drawn: Curves, world: World) -> Floats:
    """(n,): inside the world's guardrails, the highest sales on average over draws of the curves; known: the rest."""
    takings = known.takings[:, None]

    def family_sales(prices: Floats) -> Floats:
        return drawn.sums(prices * takings * sell_coming(known, drawn, prices).mean(axis=0))

    return ascend(drawn, family_sales, world.low, world.high, world.now)


def posterior_curves(world: World, seed: int = 0) -> Curves:
    """The curves with DRAWS sets of parameters from the agent's posterior."""
    mode = at_mean(world.truth.curves)
    for step in range(STEPS):
        change, _ = _towards_mode(world, mode)
        mode = Standard(*(m + c * (0.7 if step < STEPS - 3 else 1.0) for m, c in zip(mode, change, strict=True)))
    _, precisions = _towards_mode(world, mode)
    return draw_around(world.truth.curves, mode, precisions, seed)


def at_mean(curves: Curves) -> Standard:
    """All parameters at the mean of their prior."""
    return Standard(np.zeros_like(curves.families), np.zeros_like(curves.items))


def draw_around(curves: Curves, mode: Standard, precisions: Sequence[Floats], seed: int) -> Curves:
    """The curves with DRAWS sets of parameters around their mode; precisions: (c, c) of each block."""
    rng = np.random.default_rng(seed)
    drawn = Standard(*(np.repeat(part[None], DRAWS, axis=0) for part in mode))
    for block, precision in zip(blocks_of(curves), precisions, strict=True):
        root = np.linalg.cholesky(precision)
        away = np.linalg.solve(root.T, rng.standard_normal((len(root), DRAWS)))
        block.add(drawn, np.asarray(away.T, dtype=np.float64))
    return curves_at(curves, drawn)


def curves_at(curves: Curves, at: Standard) -> Curves:
    """The curves with other parameters."""
    (family_mean, family_sd), (item_mean, item_sd) = curves.family_prior, curves.item_prior
    return curves.with_parameters(family_mean + family_sd * at.families, item_mean + item_sd * at.items)


def blocks_of(curves: Curves) -> list[Block]:
    """The parameters of each family that are drawn from a prior."""
    own = np.flatnonzero(curves.family_prior[1] > 0)
    of_item = np.flatnonzero(curves.item_prior[1] > 0)
    members = np.split(np.arange(len(curves.family), dtype=np.int64), curves.starts[1:])
    columns = (np.r_[own, (len(FAMILY) + len(ITEM) * np.arange(len(m))[:, None] + of_item).ravel()] for m in members)
    return [Block(f, m, c) for f, (m, c) in enumerate(zip(members, columns, strict=True))]


def _towards_mode(world: World, at: Standard) -> tuple[Standard, list[Floats]]:
    """The step to the mode of every family, and of each the precision there, (c, c)."""
    truth = world.truth
    mean = expected(truth, at)
    weight, residual = heard(truth, mean, world.units)
    slopes = slopes_of(truth, at, mean)
    change, precisions = at_mean(truth.curves), []
    for block in blocks_of(truth.curves):
        slope = block.slope(slopes)
        weighted = slope * weight[block.members].ravel()[:, None]
        precision = slope.T @ weighted + np.eye(slope.shape[1])
        force = weighted.T @ residual[block.members].ravel() - block.read(at)
        step: Floats = np.asarray(np.linalg.solve(precision, force), dtype=np.float64)
        block.add(change, step / max(1.0, float(np.abs(step).max()) / LONGEST))
        precisions.append(precision)
    return change, precisions


def expected(truth: Truth, at: Standard) -> Floats:
    """Expected units of every week, (n, T)."""
    return sell(curves_at(truth.curves, at), truth.base, truth.offer) * truth.afterwards


def heard(truth: Truth, mean: Floats, units: Floats) -> tuple[Floats, Floats]:
    """Weight of each week, and its relative residual, (n, T); both 0 where nothing could be sold."""
    sold = mean > NOTHING
    weight = np.where(sold, mean * truth.size[:, None] / (mean + truth.size[:, None]), 0.0)
    return weight, np.where(sold, units / np.maximum(mean, NOTHING) - 1, 0.0)


def slopes_of(truth: Truth, at: Standard, mean: Floats) -> dict[int, Floats]:
    """d log mean / d parameter, (n, T), by column: the parameter of every family, or of its item at one position."""
    curves = truth.curves
    position = np.arange(len(curves.family)) - np.searchsorted(curves.family, curves.family)

    def slope(moved: Standard) -> Floats:
        nudged = expected(truth, moved)
        return np.where(mean > NOTHING, np.log(np.maximum(nudged, NOTHING) / np.maximum(mean, NOTHING)) / NUDGE, 0.0)

    slopes = {}
    for parameter in np.flatnonzero(curves.family_prior[1] > 0):
        families = at.families.copy()
        families[:, parameter] += NUDGE
        slopes[int(parameter)] = slope(Standard(families, at.items))
    for p in range(int(position.max()) + 1):
        for parameter in np.flatnonzero(curves.item_prior[1] > 0):
            items = at.items.copy()
            items[position == p, parameter] += NUDGE
            slopes[len(FAMILY) + len(ITEM) * p + int(parameter)] = slope(Standard(at.families, items))
    return slopes
