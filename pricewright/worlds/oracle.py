"""The best prices for whoever knows every curve: joint over each family, within the guardrails."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from pricewright.worlds.curves import Curves
from pricewright.worlds.world import World

Floats = NDArray[np.float64]
REACHES = (1.0, 0.4, 0.15, 1.0, 0.4, 0.15, 0.05)  # of each pass over all items, as shares of their guardrails
TRIED = 25  # prices for each item


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
