"""A simulated retail market with known demand curves: the source of a run that is given none.

Weekly units are negative binomial around level x season x trend x shocks x curve(price), with curves of
five shapes that no model is told about. `pricewright/till.py` turns the weeks into sales lines with real dirt.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pricewright.core.errors import ParameterError

Floats = NDArray[np.float64]

# Units at price ratio r over units at r = 1, for an elasticity of -e at r = 1.
SHAPES: dict[str, Callable[[Floats, Floats], Floats]] = {
    "constant elasticity": lambda r, e: r**-e,
    "exponential": lambda r, e: np.exp(-e * (r - 1)),
    "logit": lambda r, e: 2 / (1 + np.exp(2 * e * (r - 1))),  # half of the market buys at r = 1
    "linear": lambda r, e: np.maximum(1 - e * (r - 1), 0.02),
    "kinked": lambda r, e: np.where(r > 1, r ** -(1.4 * e), r ** -(0.8 * e)),
}
REGIMES = ("mixed", "confounded", "thin", "shifted")


@dataclass(frozen=True)
class Market:
    """Weekly truth of n SKUs over T weeks; week T is the coming one and its units are never sold.

    prices, units: (n, T); coming_base: (n,) expected units of the coming week at the reference price;
    elasticity: (n,) the true one at the reference price in the coming week, negative.
    """

    codes: tuple[str, ...]
    weeks: tuple[date, ...]
    prices: Floats
    units: Floats
    reference: Floats
    unit_cost: Floats
    coming_base: Floats
    elasticity: Floats
    shape: tuple[str, ...]

    def expected_units(self, sku: int, price: Floats) -> Floats:
        """True expected units of the coming week at the given prices of one SKU; the shape of `price`."""
        ratio = np.asarray(price, dtype=np.float64) / self.reference[sku]
        units: Floats = self.coming_base[sku] * SHAPES[self.shape[sku]](ratio, -self.elasticity[sku])
        return units

    def transactions(self, params: Mapping[str, Any]) -> pl.DataFrame:
        """The market's sales lines with the dirt of real data, in the columns of the UCI file."""
        from pricewright.till import ring_up

        return ring_up(self, params)


def simulate(params: Mapping[str, Any]) -> Market:
    """The market that `params` describe: regime, skus, weeks, seed, first_week (a Monday)."""
    regime, n, weeks = params["regime"], int(params["skus"]), int(params["weeks"])
    if regime not in REGIMES:
        raise ParameterError(f"market.regime is {regime!r}: it must be one of {', '.join(REGIMES)}.")
    rng = np.random.default_rng(params["seed"])
    state = _demand_state(rng, n, weeks + 1)
    reference = np.round(np.exp(rng.normal(1.2, 0.8, n)).clip(0.4, 60.0), 2)
    ratio = _price_paths(rng, n, weeks, regime, state[:, :weeks])
    prices = np.maximum(np.round(reference[:, None] * ratio, 2), 0.05)
    early = np.exp(rng.normal(np.log(1.9), 0.45, n)).clip(0.3, 6.0)
    late = (early * np.exp(rng.normal(0.15, 0.4, n))).clip(0.3, 6.0) if regime == "shifted" else early
    shift_week = weeks - int(params["shift_weeks"])
    shape = tuple(rng.choice(list(SHAPES), n))
    level = np.exp(rng.normal(np.log(params["units_per_week"]), 1.0, n))
    curve = np.stack(
        [
            np.where(np.arange(weeks) < shift_week, *(SHAPES[s](p / r, np.asarray(e)) for e in (a, b)))
            for s, p, r, a, b in zip(shape, prices, reference, early, late, strict=True)
        ]
    )
    mean = level[:, None] * np.exp(state[:, :weeks]) * curve
    size = np.exp(rng.normal(np.log(4.0), 0.4, n))[:, None]
    units = rng.poisson(mean * rng.gamma(size, 1 / size, mean.shape)).astype(np.float64)
    units *= np.arange(weeks) >= _first_week(rng, n, weeks)[:, None]
    first = date.fromisoformat(str(params["first_week"]))
    return Market(
        codes=_codes(rng, n),
        weeks=tuple(first + timedelta(weeks=i) for i in range(weeks)),
        prices=prices,
        units=units,
        reference=reference,
        unit_cost=np.round(reference * rng.uniform(0.35, 0.6, n), 2),
        coming_base=level * np.exp(state[:, weeks]),
        elasticity=-late,
        shape=shape,
    )


def _demand_state(rng: np.random.Generator, n: int, weeks: int) -> Floats:
    """Log demand at the reference price, apart from the level: season, trend, slow shocks, shop-wide weeks."""
    week = np.arange(weeks)
    phase = 2 * np.pi * week / 52.18
    season = rng.normal(0, 0.25, (n, 1)) * np.sin(phase) + rng.normal(-0.15, 0.25, (n, 1)) * np.cos(phase)
    season += rng.normal(0, 0.12, (n, 1)) * np.sin(2 * phase) + rng.normal(0, 0.12, (n, 1)) * np.cos(2 * phase)
    trend = rng.normal(0, 0.25, (n, 1)) * (week / 52.18 - 1)
    shock = np.zeros((n, weeks))
    for t in range(1, weeks):  # an autoregression: 0.9 of last week's state stays
        shock[:, t] = 0.9 * shock[:, t - 1] + rng.normal(0, 0.10, n)
    shop = rng.normal(0, 0.12, weeks) + 0.35 * np.exp(-(((week % 52.18) - 49) ** 2) / 18)
    state: Floats = season + trend + shock + shop
    return state


def _price_paths(rng: np.random.Generator, n: int, weeks: int, regime: str, state: Floats) -> Floats:
    """Price over reference price, (n, weeks): list price changes and promotions, as the regime has them."""
    thin = regime == "thin"
    changes = rng.random((n, weeks)) < (0.015 if thin else 0.035)
    steps = np.where(changes, rng.normal(0, 0.05 if thin else 0.09, (n, weeks)), 0.0)
    list_price = np.zeros((n, weeks))
    for t in range(1, weeks):  # list prices wander and are pulled back towards the usual one
        list_price[:, t] = np.where(changes[:, t], 0.7 * list_price[:, t - 1] + steps[:, t], list_price[:, t - 1])
    starts = rng.random((n, weeks)) < (0.0 if thin else 0.03)
    depth = np.where(starts, rng.choice([0.1, 0.15, 0.2, 0.25, 0.3], (n, weeks)), 0.0)
    depth = np.maximum(depth, np.roll(depth * (rng.random((n, weeks)) < 0.5), 1, axis=1))
    log_price = list_price + np.log1p(-depth)
    if regime == "confounded":  # prices follow demand: dear when it is high, week by week
        wave = state - state.mean(axis=1, keepdims=True)
        log_price += rng.uniform(0.2, 0.6, (n, 1)) * wave + rng.normal(0, 0.02, (n, weeks))
    ratio: Floats = np.exp(log_price.clip(-0.7, 0.7))
    return ratio


def _first_week(rng: np.random.Generator, n: int, weeks: int) -> NDArray[np.int64]:
    """Most SKUs are there from the start, one in five is listed during the first two thirds."""
    return np.where(rng.random(n) < 0.2, rng.integers(1, max(2, weeks * 2 // 3), n), 0)


def _codes(rng: np.random.Generator, n: int) -> tuple[str, ...]:
    """Five digits (more where there are more SKUs), some with a letter for the colour, like the real shop's codes."""
    numbers = rng.choice(np.arange(20000, max(90000, 20000 + n)), n, replace=False)
    letters = rng.choice(["", "", "", "A", "B"], n)
    return tuple(f"{number}{letter}" for number, letter in zip(numbers, letters, strict=True))
