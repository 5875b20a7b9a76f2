"""The truth of a simulated market, and what a set of prices is worth there in the coming week."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pricewright.core.decision import NUDGE
from pricewright.worlds.market import Market

Floats = NDArray[np.float64]
ORACLE_STEPS = 600  # prices that the oracle tries per SKU
WORSE = 0.01  # a SKU is made worse when its revenue falls by more than this share


@dataclass(frozen=True)
class Score:
    """captured: share of the oracle's revenue gain over keeping the last price; worse, moved: shares of all SKUs."""

    captured: float
    worse: float
    moved: float


def revenues(market: Market, prices: Floats) -> Floats:
    """True expected revenue of the coming week per SKU, (n,), at one price each."""
    return np.array([float(p * market.expected_units(i, p)) for i, p in enumerate(prices)])


def oracle_prices(market: Market, low: Floats, high: Floats, current: Floats) -> Floats:
    """(n,): the best price within [low, high] for anyone who knows every curve."""
    best = []
    for i, (a, b, c) in enumerate(zip(low, high, current, strict=True)):
        tried = np.append(np.linspace(a, b, ORACLE_STEPS), c)
        best.append(tried[np.argmax(tried * market.expected_units(i, tried))])
    return np.array(best)


def score(market: Market, prices: Floats, current: Floats, oracle: Floats) -> Score:
    """Score of the chosen prices (n,), given the last ones and the oracle's, (n,) each."""
    kept, earned, best = (revenues(market, p) for p in (current, prices, oracle))
    return Score(
        captured=float((earned - kept).sum() / (best - kept).sum()),
        worse=float((earned < kept * (1 - WORSE)).mean()),
        moved=float((np.abs(prices - current) > 1e-9).mean()),
    )


def true_elasticity(market: Market, current: Floats) -> Floats:
    """(n,): d log units / d log price in the coming week between one per cent below and above the last price."""
    up, down = ((1 + sign * NUDGE) * current for sign in (1, -1))
    units = [np.array([float(market.expected_units(i, p)) for i, p in enumerate(side)]) for side in (up, down)]
    return np.asarray(np.log(units[0] / units[1]) / np.log(up / down))
