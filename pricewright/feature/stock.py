"""Weeks in which a SKU could not sell: the shop says so, or no sale at all is too improbable to be chance.

What is improbable follows from the SKU's own last weeks in stock: zero of a negative binomial with their mean and
variance (of a Poisson, where they scatter less).
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from pricewright.feature.past import Floats

RECENT = tuple(f"recent_{k}" for k in range(1, 9))  # units of the last 8 weeks in stock, the newest first
LONGEST = 8  # weeks in a row that are guessed to be without stock; after them the SKU does not sell any more
Mask = NDArray[np.bool_]


def without_stock(before: Mapping[str, Floats], sells: Mask, probability: float) -> Mask:
    """The SKUs that are guessed to be out of stock in a week. before: RECENT and `quiet`, the weeks in a row without a
    sale; sells: who sold in the week; probability: below which no sale is no chance."""
    may_be = ~sells & (before["quiet"] < LONGEST)
    return may_be & (chance_of_none(np.stack([before[name] for name in RECENT])) < probability)


def chance_of_none(units: Floats) -> Floats:
    """Probability of no unit, (n,), by the units of the weeks before, (weeks, n); 1 where one of them is not known."""
    known = ~np.isnan(units).any(axis=0)
    units = np.where(known, units, 0.0)
    mean = units.mean(axis=0)
    more_than_poisson = np.maximum(units.var(axis=0, ddof=1) - mean, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        size = mean**2 / more_than_poisson
        log_chance = np.where(more_than_poisson > 0, -size * np.log1p(mean / size), -mean)
    chance: Floats = np.exp(log_chance)
    return np.where(known, chance, 1.0)


def remember(before: Mapping[str, Floats], known_units: Floats, in_stock: Mask, sells: Mask) -> dict[str, Floats]:
    """RECENT and `quiet` after a week."""
    newest = dict(zip(RECENT, (known_units, *(before[name] for name in RECENT[:-1])), strict=True))
    kept = {name: np.where(in_stock, newest[name], before[name]) for name in RECENT}
    return kept | {"quiet": np.where(sells, 0.0, before["quiet"] + 1)}
