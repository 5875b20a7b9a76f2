"""Units of products that compete in families, at any prices, per posterior draw.

Numpy only: training and serving share it. The model is that of pricewright/network/families.py without promotions: with
shares w of the family's units at base prices and log attractions a, log units of a product change by
a_j - (1 - keeps) x log sum_k w_k exp(a_k).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]
FLATTEST = 0.05  # curvature per log price; a flatter curve is computed with it
STEEPEST = 30.0  # log units
LEAST = 1e-12
# What a release keeps of it, by name: (n, ...) arrays, one row per product.
ARRAYS = ("demand_level", "anchor_price", "demand_curve", "demand_own", "demand_shared", "demand_family",
          "demand_keeps")  # fmt: skip


@dataclass(frozen=True)
class Posterior:
    """What is known of n products' demand in the coming week.

    level: (n,) expected units at base prices (n,); curve: (n, 2) mean latent slope and curvature; own: (n, 3)
    Cholesky factor of their own covariance, row by row; shared: (n, 2, h) what h standard normals that all products
    share add; family: (n,) numbers; keeps: (n, 3) latent share that a family keeps: mean, own and shared deviation.
    """

    level: Floats
    base_price: Floats
    curve: Floats
    own: Floats
    shared: Floats
    family: Whole
    keeps: Floats

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> "Posterior":
        """From the catalog of a release."""
        return cls(*(np.asarray(arrays[name]) for name in ARRAYS))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The same as the catalog keeps it."""
        single = np.float32
        values = (self.level, self.base_price, self.curve, self.own.astype(single), self.shared.astype(single),
                  self.family, self.keeps.astype(single))  # fmt: skip
        return dict(zip(ARRAYS, values, strict=True))

    def __len__(self) -> int:
        return len(self.level)

    def __getitem__(self, rows: Whole) -> "Posterior":
        """Some products."""
        return Posterior(
            self.level[rows], self.base_price[rows], self.curve[rows], self.own[rows], self.shared[rows],
            self.family[rows], self.keeps[rows],
        )  # fmt: skip

    def covariance(self) -> Floats:
        """Covariance of latent slope and curvature, what is shared included, (n, 2, 2)."""
        root = np.zeros((len(self), 2, 2))
        root[:, 0, 0], root[:, 1, 0], root[:, 1, 1] = self.own.T
        covariance: Floats = root @ root.transpose(0, 2, 1) + self.shared @ self.shared.transpose(0, 2, 1)
        return covariance

    def beside(self, prices: Floats) -> tuple[Floats, Floats]:
        """Each product's share of its family's units at base prices, and how much the others attract at `prices`
        against the whole family at base prices, by the mean curves; (n,) each."""
        mean = Demand(
            self.level, self.base_price, _softplus(self.curve[:, :1]), _softplus(self.curve[:, 1:]), np.ones(1)
        )
        count = int(self.family.max(initial=0)) + 1
        level = np.maximum(self.level, LEAST)
        share = level / np.bincount(self.family, level, count)[self.family]
        pull = share * np.exp(mean.attraction(prices)[:, 0])
        rest = np.bincount(self.family, pull, count)[self.family] - pull
        return share, np.maximum(rest, 0.0)

    def families(self) -> list[Whole]:
        """The products of each family, (m,) each."""
        order = np.argsort(self.family, kind="stable")
        return np.split(order, np.flatnonzero(np.diff(self.family[order])) + 1) if len(order) else []


@dataclass(frozen=True)
class Demand:
    """S draws of the demand of the m products of one family. slope, curvature: (m, S); keeps: (S,); others: above."""

    level: Floats
    base_price: Floats
    slope: Floats
    curvature: Floats
    keeps: Floats

    def attraction(self, prices: Floats) -> Floats:
        """Log attraction at prices (m, ...) relative to the base price, (m, ..., S)."""
        wide = (len(self.base_price), *(1,) * (prices.ndim - 1))
        x = np.log(prices / self.base_price.reshape(wide))[..., None]
        slope, curvature = (a.reshape(*wide, -1) for a in (self.slope, self.curvature))
        effect: Floats = np.clip(-slope * np.expm1(curvature * x) / curvature, -STEEPEST, STEEPEST)
        return effect

    def units(self, prices: Floats) -> Floats:
        """Expected units of all products at their prices (m,), per draw, (m, S)."""
        pull = self.level[:, None] * np.exp(self.attraction(prices))
        total = np.maximum(pull.sum(axis=0) / max(float(self.level.sum()), LEAST), LEAST)
        units: Floats = pull * total ** (self.keeps - 1)
        return units


class Draws:
    """Standard normals behind S joint draws, the same for every family: what is shared moves all of them together."""

    def __init__(self, count: int, shared: int, seed: int) -> None:
        self._shared = np.random.default_rng([seed, 0]).standard_normal((shared + 1, count))
        self._count, self._seed = count, seed

    def of(self, family: Posterior) -> Demand:
        """Draws for the products of one family; for a family of one, too."""
        slope, curvature, rng = self._curves(family)
        keeps = self._keeps(family.keeps[0], rng.standard_normal(self._count))
        return Demand(family.level, family.base_price, slope, curvature, keeps)

    def of_alone(self, products: Posterior) -> Demand:
        """Draws for families of one, all at once: what each of them keeps is part of its slope."""
        slope, curvature, rng = self._curves(products)
        keeps = self._keeps(products.keeps[:, :, None].swapaxes(0, 1), rng.standard_normal(slope.shape))
        return Demand(products.level, products.base_price, slope * keeps, curvature, np.ones(self._count))

    def _curves(self, products: Posterior) -> tuple[Floats, Floats, np.random.Generator]:
        """Slopes and curvatures (m, S), and what draws the rest."""
        rng = np.random.default_rng([self._seed, 1, int(products.family[0])])
        normal = rng.standard_normal((len(products), 2, self._count))
        a, b, c = (products.own[:, k, None] for k in range(3))
        common = np.einsum("nah,hs->nas", products.shared, self._shared[:-1])
        slope = products.curve[:, :1] + common[:, 0] + a * normal[:, 0]
        curvature = products.curve[:, 1:] + common[:, 1] + b * normal[:, 0] + c * normal[:, 1]
        return _softplus(slope), np.maximum(_softplus(curvature), FLATTEST), rng

    def _keeps(self, latent: Floats, normal: Floats) -> Floats:
        """What families keep of a common change, in the shape of normal; latent: mean, own and shared deviation."""
        mean, own, shared = latent
        keeps: Floats = 1 / (1 + np.exp(-(mean + shared * self._shared[-1] + own * normal)))
        return keeps


def _softplus(x: Floats) -> Floats:
    return np.logaddexp(0.0, x)
