"""A second sales channel: a part of the units at another price, and a part that changes over the weeks."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pricewright.worlds.kinds import Kind
from pricewright.worlds.shelf import Shelf

Floats = NDArray[np.float64]
NAMES = ("shop", "online")


class Channel(NamedTuple):
    """factor: (n,) its price over the regular one; units: (n, T) of the world's; share: (n,) of the coming week's."""

    factor: Floats
    units: Floats
    share: Floats

    @property
    def takings(self) -> Floats:
        """(n,): sales of the coming week over regular price x units."""
        return 1 + self.share * (self.factor - 1)


def draw_second_channel(rng: np.random.Generator, kind: Kind, shelf: Shelf, units: Floats) -> Channel:
    """Draw which categories sell there, at 0.85 to 1.9 times the regular price, and how their mix changes."""
    weeks = units.shape[1]
    categories = int(shelf.category[-1]) + 1
    sells = (rng.random(categories) < kind.second_channel)[shelf.category]
    factor = np.where(sells, np.exp(rng.uniform(np.log(0.85), np.log(1.9), categories))[shelf.category], 1.0)
    first, last = rng.uniform(-2.5, 0.0, (2, categories, 1))
    mix = first + (last - first) * np.linspace(0, 1, weeks + 1) + rng.normal(0, 0.25, (categories, weeks + 1))
    share = sells[:, None] / (1 + np.exp(-mix[shelf.category]))
    return Channel(factor, rng.binomial(units.astype(np.int64), share[:, :weeks]).astype(np.float64), share[:, weeks])
