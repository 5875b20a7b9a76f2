"""A small market of substitutes whose demand is known: a nested logit with regular prices and promotions."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class FamilyMarket:
    """n SKUs in families over T weeks; log attraction falls by `slope` per log price, a family keeps `keeps` of it."""

    codes: list[str]
    family: NDArray[np.int64]
    level: Floats
    slope: Floats
    keeps: float
    price: Floats  # (n, T) as paid
    usual: Floats  # (n,)
    promotion: Floats
    units: Floats

    def expected_units(self, log_ratio: Floats, extra: Floats | float = 0.0) -> Floats:
        """Expected units (n, ...) at log(price / usual price)."""
        wide = (len(self.codes), *(1,) * (log_ratio.ndim - 1))
        pull = np.exp(-self.slope.reshape(wide) * log_ratio + extra)
        units = np.empty_like(pull)
        for number in np.unique(self.family):
            rows = self.family == number
            level = self.level[rows].reshape((rows.sum(), *wide[1:]))
            total = (level * pull[rows]).sum(axis=0) / level.sum()
            units[rows] = level * pull[rows] * total ** (self.keeps - 1)
        return units

    def panel(self) -> pl.DataFrame:
        """Panel rows of all weeks."""
        weeks = [date(2024, 1, 1) + timedelta(weeks=t) for t in range(self.units.shape[1])]
        return pl.DataFrame(
            {
                "stock_code": np.repeat(self.codes, len(weeks)),
                "week": weeks * len(self.codes),
                "units": self.units.ravel(),
                "price": self.price.ravel(),
                "promotion": self.promotion.ravel(),
                "category": np.repeat([f"family {k}" for k in self.family], len(weeks)),
            }
        )


def simulate_families(
    seed: int, families: int = 25, members: int = 6, weeks: int = 104, keeps: float = 0.35, alone: int = 0
) -> FamilyMarket:
    """Prices move one by one and family by family; promotions are announced and last a week; alone: families of one."""
    rng = np.random.default_rng(seed)
    n = families * members + alone
    family = np.concatenate([np.repeat(np.arange(families), members), families + np.arange(alone)])
    families += alone
    common = np.cumsum(
        np.where(rng.random((families, weeks)) < 0.04, rng.normal(0, 0.08, (families, weeks)), 0), axis=1
    )
    own = np.cumsum(np.where(rng.random((n, weeks)) < 0.03, rng.normal(0, 0.08, (n, weeks)), 0), axis=1)
    regular = np.clip(common[family] + own, -0.35, 0.35)
    promotion = (rng.random((n, weeks)) < 0.05).astype(float)
    usual = np.round(np.exp(rng.normal(1.3, 0.3, n)), 2)
    price = np.round(usual[:, None] * np.exp(regular) * (1 - 0.2 * promotion), 2)
    market = FamilyMarket(
        codes=[f"{10000 + 13 * i}" for i in range(n)],
        family=family,
        level=np.exp(rng.normal(3.5, 0.6, n)),
        slope=np.exp(rng.normal(np.log(2.5), 0.25, n)),
        keeps=keeps,
        price=price,
        usual=usual,
        promotion=promotion,
        units=np.zeros((n, weeks)),
    )
    mean = market.expected_units(np.log(price / usual[:, None]), 0.3 * promotion)
    mean = mean * np.exp(0.2 * np.sin(2 * np.pi * np.arange(weeks) / 52 + rng.uniform(0, 6, families)[family][:, None]))
    market.units[:] = rng.poisson(mean * rng.gamma(8, 1 / 8, mean.shape))
    return market
