"""A small shop whose curves are known, for it was made from them."""

from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pricewright.network.curves import Curves
from pricewright.network.families import ALONE
from tests.pricewright.network.small_market import PARAMS

Floats = NDArray[np.float64]
PROOF: dict[str, Any] = PARAMS["proof"] | {"draws": 8}  # of curves without a doubt, for speed
CAP = float(PARAMS["network"]["level"]["effect_cap"])
FITTED, WEEKS, SIZE = 20, 32, 6.0
MONDAYS = [date(2024, 1, 1) + timedelta(weeks=week) for week in range(WEEKS)]


def code(sku: int) -> str:
    """Codes in order of their numbers."""
    return f"{10000 + sku}"


def curves_of(elasticity: Floats, cut: float = 2.5) -> Curves:
    """Constant elasticities (n,) that are known, fitted on the first weeks; cut: log units per log depth of a cut."""
    n = len(elasticity)
    nothing = np.zeros((n, 2, 2))
    return Curves(
        codes=tuple(map(code, range(n))),
        weeks=tuple(MONDAYS[:FITTED]),
        base_price=np.full(n, 10.0),
        mean=np.column_stack([np.log(np.expm1(elasticity)), np.full(n, -20.0)]),
        covariance=nothing,
        own_covariance=nothing,
        loading=np.zeros((n, 2, 1)),
        log_size=np.full(n, np.log(SIZE)),
        promotion=np.column_stack([np.full(n, cut), np.zeros(n), np.zeros(n)]),
        log_base=np.zeros((n, FITTED)),
        family=np.arange(n),
        coefficients=np.full((n, 2), ALONE),
        coefficient_own_sd=np.zeros(n),
        coefficient_shared_sd=np.zeros(n),
        informed=np.ones(n),
        summary={"week_sd": 0.1},
    )


def panel_of(prices: Floats, units: Floats, **columns: Floats) -> pl.DataFrame:
    """Panel rows of n SKUs x T weeks."""
    n = len(prices)
    tables = {"price": prices, "units": units, **columns}
    rows = {name: np.asarray(table).ravel() for name, table in tables.items()}
    return pl.DataFrame({"stock_code": np.repeat([code(i) for i in range(n)], WEEKS), "week": MONDAYS * n} | rows)


def shop(seed: int, skus: int = 200) -> tuple[pl.DataFrame, Curves]:
    """SKUs of every pace: changes of regular prices, cuts of two weeks, levels that wander, weeks that they share."""
    rng = np.random.default_rng(seed)
    elasticity = rng.uniform(1.0, 3.0, skus)
    steps = np.where(rng.random((skus, WEEKS)) < 0.03, rng.normal(0, 0.15, (skus, WEEKS)), 0.0)
    regular = steps.cumsum(axis=1)
    start = rng.random((skus, WEEKS)) < 0.015
    start[:, :2] = start[:, -5:] = False
    depth = np.where(start | np.roll(start, 1, axis=1), 0.2, 0.0)
    level = rng.normal(3, 1, (skus, 1)) + rng.normal(0, 0.06, (skus, WEEKS)).cumsum(axis=1) + rng.normal(0, 0.1, WEEKS)
    mean = np.exp(level - elasticity[:, None] * regular + 2.5 * depth)
    units = rng.poisson(mean * rng.gamma(SIZE, 1 / SIZE, mean.shape)).astype(float)
    return panel_of(10 * np.exp(regular - depth), units), curves_of(elasticity)


def still_shop(skus: int = 12) -> tuple[Floats, Floats]:
    """Prices of 10 and 100 units a week, (n, T) each."""
    return np.full((skus, WEEKS), 10.0), np.full((skus, WEEKS), 100.0)
