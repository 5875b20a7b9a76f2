"""Which SKUs compete: the shop's own categories where it has any, else families learned from names and sales.

Families are guessed from how descriptions and codes begin and end. A guess is believed where the prices of the others
of a family helped to predict weeks that were held out: dearer neighbours, more units.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pricewright.core.item import Item
from pricewright.network.grid import Grid, grid_of

Floats = NDArray[np.float64]
CODE_LENGTH = 4  # characters with which the codes of a family begin
MOST_MEMBERS = 60  # a larger group is a habit of naming
HELD_OUT = 0.3  # share of the weeks, the last ones
LEAST_T = 2.5  # standard errors by which the cross effect exceeds 0 in the weeks before them
LEAST_CROSS = 0.6  # per cent of units won per per cent of the others' prices; substitutes win 1 to 2
WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True)
class Evidence:
    """cross: per cent of units won per per cent of the others' prices; t: over its standard error; gain: weighted
    squared error of log units that it saves in held-out weeks.
    """

    cross: float
    t: float
    gain: float

    @property
    def holds(self) -> bool:
        """Whether the SKUs of the families compete: enough to believe a guess."""
        return self.cross > 0 and self.t > LEAST_T and self.gain > 0

    @property
    def denies(self) -> bool:
        """Whether they hardly can: enough to leave the shop's own categories."""
        return self.t < LEAST_T and self.cross < LEAST_CROSS


def shared_families(
    codes: Sequence[str], families: Mapping[str, str], stores: Sequence[str | None] | None = None
) -> list[str | None]:
    """What the family of each SKU is called, None where it has no other member; stores: see in_zones."""
    sizes = Counter(families[code] for code in codes if code in families)
    names = (families.get(code) for code in codes)
    shared = [name if name is not None and sizes[name] > 1 else None for name in names]
    ends = [f"@{store}" if store else "" for store in stores or [None] * len(codes)]
    return [name.removesuffix(end) if name else None for name, end in zip(shared, ends, strict=True)]


def families_of(panel: pl.DataFrame, descriptions: Mapping[str, str]) -> dict[str, str]:
    """The family of each SKU that has one. panel: stock_code, week, units, price, category and store where known.

    The shop's categories are its families unless their sales deny it: a department is not a family. Zones and stores
    take no sales from each other, so that a family lies in one.
    """
    changes = _Changes.of(grid_of(panel, 1))
    stores = stores_of(panel)
    categories = in_zones(categories_of(panel), stores)
    if categories and not weigh(changes, categories).denies:
        return categories
    return {} if categories else learned_families(changes, descriptions, stores)


def stores_of(panel: pl.DataFrame) -> dict[str, str]:
    """The zone or store of each item that has one."""
    if "store" not in panel.columns:
        return {}
    return dict(panel.drop_nulls("store").select("stock_code", "store").unique().iter_rows())


def in_zones(families: Mapping[str, str], stores: Mapping[str, str]) -> dict[str, str]:
    """The same families, each parted by zone: `Juice@North` of the items that have one."""
    return {key: f"{name}@{stores[key]}" if key in stores else name for key, name in families.items()}


def categories_of(panel: pl.DataFrame) -> dict[str, str]:
    """The last known category of each SKU that has one."""
    if "category" not in panel.columns:
        return {}
    named = panel.drop_nulls("category").sort("week").group_by("stock_code").agg(pl.col("category").last())
    return dict(named.iter_rows())


def learned_families(changes: "_Changes", descriptions: Mapping[str, str], stores: Mapping[str, str]) -> dict[str, str]:
    """The best of the guesses that held-out weeks confirm; none where they confirm none."""
    best: dict[str, str] = {}
    highest = 0.0
    for families in guesses(changes.codes, descriptions, stores):
        evidence = weigh(changes, families)
        if evidence.holds and evidence.gain > highest:
            best, highest = families, evidence.gain
    return best


def guesses(codes: tuple[str, ...], descriptions: Mapping[str, str], stores: Mapping[str, str]) -> list[dict[str, str]]:
    """Ways to part SKUs into families: by first and last words of their descriptions, and by their codes."""
    words = {code: WORD.findall(descriptions.get(code, "").upper()) for code in codes}
    ways = [
        {code: found[0] for code, found in words.items() if found},
        {code: " ".join(found[:2]) for code, found in words.items() if len(found) > 1},
        {code: found[-1] for code, found in words.items() if found},
        {code: " ".join(found[-2:]) for code, found in words.items() if len(found) > 1},
        {key: code[:CODE_LENGTH] for key in codes if len(code := _code(key, stores)) > CODE_LENGTH},
    ]
    return [kept for families in ways if (kept := _of_a_size(in_zones(families, stores)))]


def _code(key: str, stores: Mapping[str, str]) -> str:
    return Item.parse(key).stock_code if key in stores else key


def _of_a_size(families: dict[str, str]) -> dict[str, str]:
    sizes = Counter(families.values())
    return {code: name for code, name in families.items() if 2 <= sizes[name] <= MOST_MEMBERS}


@dataclass(frozen=True)
class _Changes:
    """Weekly changes of n SKUs: log units less those of the shop, log price; weight 0 where either is not known."""

    codes: tuple[str, ...]
    units: Floats
    price: Floats
    weight: Floats
    size: Floats

    @classmethod
    def of(cls, grid: Grid) -> "_Changes":
        both = (grid.seen[:, 1:] > 0) & (grid.seen[:, :-1] > 0)
        size = (grid.units * grid.seen).sum(axis=1) / np.maximum(grid.seen.sum(axis=1), 1.0)
        weight = both * (size / (size + 5.0))[:, None]  # few units scatter more
        units = np.where(both, np.diff(np.log(grid.units + 0.5), axis=1), 0.0)
        price = np.where(both, np.diff(grid.log_price_ratio - grid.depth, axis=1), 0.0)
        total = np.maximum(weight.sum(axis=0), 1e-9)
        units = units - (weight * units).sum(axis=0) / total
        price = price - (weight * price).sum(axis=0) / total
        return cls(grid.codes, units, price, weight, size)


def weigh(changes: _Changes, families: Mapping[str, str]) -> Evidence:
    """Whether the prices of a SKU's family say something about its units that its own price does not."""
    names = sorted(set(families.values()))
    number = {name: k for k, name in enumerate(names)}
    family = np.array([number.get(families.get(code, ""), -1) for code in changes.codes])
    rows = np.flatnonzero(family >= 0)
    others = _others(changes, family, rows, len(names))
    split = int((1 - HELD_OUT) * changes.units.shape[1])
    parts = []
    for weeks in (slice(0, split), slice(split, None)):
        weight = changes.weight[rows, weeks].ravel()
        columns = np.stack([changes.price[rows, weeks].ravel(), others[:, weeks].ravel()], axis=1)
        parts.append((columns, changes.units[rows, weeks].ravel(), weight))
    (x, y, w), (x_out, y_out, w_out) = parts
    both, covariance = _regress(x, y, w)
    alone, _ = _regress(x[:, :1], y, w)
    errors = [float((w_out * (y_out - x_out[:, : len(b)] @ b) ** 2).sum()) for b in (alone, both)]
    deviation = float(np.sqrt(max(covariance[1, 1], 1e-18)))
    return Evidence(float(both[1]), float(both[1]) / deviation, errors[0] - errors[1])


def _others(changes: _Changes, family: NDArray[np.int64], rows: NDArray[np.int64], count: int) -> Floats:
    """Change of the others' price level in the family of each row, (r, T - 1), weighted by units."""
    weight = changes.weight[rows] * changes.size[rows, None]
    sums, total = (np.zeros((count, weight.shape[1])) for _ in range(2))
    np.add.at(sums, family[rows], weight * changes.price[rows])
    np.add.at(total, family[rows], weight)
    rest = total[family[rows]] - weight
    moved = sums[family[rows]] - weight * changes.price[rows]
    return np.where(rest > 1e-9, moved / np.maximum(rest, 1e-9), 0.0)


def _regress(x: Floats, y: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """Weighted least squares: coefficients (k,) and their covariance (k, k)."""
    inverse = np.linalg.inv(x.T @ (weight[:, None] * x) + 1e-9 * np.eye(x.shape[1]))
    found: Floats = inverse @ x.T @ (weight * y)
    left = weight * (y - x @ found)
    covariance: Floats = inverse @ (x.T @ (left[:, None] ** 2 * x)) @ inverse
    return found, covariance
