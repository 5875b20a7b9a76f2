"""The demand curves of all SKUs as a fit leaves them: a posterior of slope and curvature per SKU, and its families."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pricewright.core.substitution import Posterior
from pricewright.network.effects import expected_softplus
from pricewright.network.families import ALONE

Floats = NDArray[np.float64]
OF_SKU = (
    "base_price",
    "mean",
    "covariance",
    "own_covariance",
    "loading",
    "log_size",
    "promotion",
    "log_base",
    "informed",
)
OF_FAMILY = ("coefficients", "coefficient_own_sd", "coefficient_shared_sd")
# What prices that follow a demand nobody sees hide of the latent slopes, in families and alone: what is learned lies
# nearer to 0 (Villas-Boas and Winer 1999), so plans add it. Learned from the worlds that are developed on.
HIDDEN, HIDDEN_ALONE = 0.2, 0.1


@dataclass(frozen=True)
class Curves:
    """Posterior of n SKUs' curves for the coming week: (latent slope, latent curvature) ~ N(mean, covariance).

    mean: (n, 2); covariance: (n, 2, 2), of which own_covariance is a SKU's own, and loading (n, 2, h) times h standard
    normals what all SKUs share; log_size: (n,) of the negative binomial; promotion: (n, 3) effects of depth, display
    and dip; log_base: (n, T) log units of the fitted weeks at base prices; family: (n,); coefficients: (f, 2) latent
    log-sum coefficients of the families, own_sd and shared_sd (f,) of the regular one; informed: (n,) how much of the
    uncertainty about the slope the data took away, 0 to 1; summary: what was learned.
    """

    codes: tuple[str, ...]
    weeks: tuple[object, ...]
    base_price: Floats
    mean: Floats
    covariance: Floats
    own_covariance: Floats
    loading: Floats
    log_size: Floats
    promotion: Floats
    log_base: Floats
    family: NDArray[np.int64]
    coefficients: Floats
    coefficient_own_sd: Floats
    coefficient_shared_sd: Floats
    informed: Floats
    summary: dict[str, float]

    @property
    def slope(self) -> Floats:
        """The expected slope of each SKU, (n,)."""
        latent, variance = (torch.tensor(values) for values in (self.mean[:, 0], self.covariance[:, 0, 0]))
        return expected_softplus(latent, variance)[0].numpy()

    def posterior(self, level: Floats) -> Posterior:
        """What is known of the SKUs' demand, given their expected units at base prices (n,); slopes with HIDDEN."""
        curve = self.mean.copy()
        curve[:, 0] += np.where(self.coefficients[self.family, 0] < ALONE, HIDDEN, HIDDEN_ALONE)
        root = np.linalg.cholesky(self.own_covariance + 1e-10 * np.eye(2))
        spread = (self.coefficients[:, 0], self.coefficient_own_sd, self.coefficient_shared_sd)
        return Posterior(
            level=level,
            base_price=self.base_price,
            curve=curve,
            own=np.column_stack([root[:, 0, 0], root[:, 1, 0], root[:, 1, 1]]),
            shared=self.loading,
            family=self.family,
            keeps=np.column_stack(spread)[self.family],
        )

    @property
    def families(self) -> dict[str, str]:
        """A name of each SKU's family."""
        return {code: str(family) for code, family in zip(self.codes, self.family, strict=True)}

    def of(self, codes: Sequence[str]) -> "Curves":
        """The curves of some SKUs, in the order given; families keep their numbers apart."""
        index = {code: i for i, code in enumerate(self.codes)}
        rows = np.array([index[code] for code in codes], dtype=np.int64)
        known, family = np.unique(self.family[rows], return_inverse=True)
        by_sku = {name: getattr(self, name)[rows] for name in OF_SKU}
        by_family = {name: getattr(self, name)[known] for name in OF_FAMILY}
        return replace(self, codes=tuple(codes), family=family, **by_sku, **by_family)


def with_strangers(curves: Curves, codes: Sequence[str], base_price: Floats, log_units: Floats) -> Curves:
    """The curves, with the population's mean curve for SKUs that came after the fit; each is a family of one."""
    count = len(codes)

    def usual(table: NDArray[Any]) -> NDArray[Any]:
        return np.concatenate([table, np.tile(table.mean(axis=0), (count, *(1,) * (table.ndim - 1)))])

    names = ("mean", "covariance", "own_covariance", "loading", "log_size", "promotion", "informed", *OF_FAMILY)
    tables: dict[str, Any] = {name: usual(getattr(curves, name)) for name in names}
    return replace(
        curves,
        codes=curves.codes + tuple(codes),
        base_price=np.concatenate([curves.base_price, base_price]),
        log_base=np.concatenate([curves.log_base, np.tile(log_units[:, None], (1, curves.log_base.shape[1]))]),
        family=np.concatenate([curves.family, int(curves.family.max()) + 1 + np.arange(count)]),
        **tables,
    )
