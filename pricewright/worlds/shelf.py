"""What stands on the shelf: items in families of substitutes, families in categories, with names and usual prices."""

from dataclasses import dataclass

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


@dataclass(frozen=True)
class Shelf:
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


def stock_shelf(rng: np.random.Generator, kind: Kind, items: int) -> Shelf:
    """Draw families until `items` stand there; items of a category cost alike."""
    low, high = kind.family_sizes
    sizes = rng.integers(low, high + 1, items)
    family = np.repeat(np.arange(items), sizes)[:items]
    category = family if high > 1 else np.arange(items) // CATEGORY_SIZE
    usual = rng.normal(1.3, 0.6, items)[category] + rng.normal(0, np.where(high > 1, ALIKE, APART), items)
    number = np.sort(rng.choice(np.arange(20000, max(90000, 20000 + 9 * items)), items, replace=False))
    codes = tuple(f"{i}{letter}" for i, letter in zip(number, rng.choice(["", "", "", "A", "B"], items), strict=True))
    place = np.arange(items) - np.searchsorted(category, category)
    described = tuple(
        f"{VARIETIES[p % len(VARIETIES)]} {GOODS[c % len(GOODS)]} {c // len(GOODS) + 1}"
        for p, c in zip(place, category, strict=True)
    )
    return Shelf(codes, described, family, category, np.round(np.exp(usual).clip(0.6, 60.0), 2))
