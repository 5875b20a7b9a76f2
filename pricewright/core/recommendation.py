"""One recommendation for one SKU: candidate prices, the model's units, the decision and the elasticity.

Training writes the price list with it and the price API answers with it, so both say the same. Numpy only.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pricewright.core.decision import Decision, Objective, candidate_prices, decide, elasticity

Floats = NDArray[np.float64]
UnitsAt = Callable[[Floats], NDArray[Any]]
CANDIDATES = 200  # label prices that are compared, at most: the best is found to 0.5 % of the guardrail's width
NUDGE = 0.01  # the elasticity is the slope between one per cent below and above the current price


class Terms(NamedTuple):
    """What the shop asks of a recommendation. `bins` prices are drawn as its curve; they decide nothing."""

    bins: int = 50
    objective: Objective = "sales"
    minimum_probability: float = 0.7
    endings: Sequence[float] = ()


class Recommendation(NamedTuple):
    """The decision and the elasticity at the current price with its 90 % interval."""

    decision: Decision
    elasticity: float
    elasticity_low: float
    elasticity_high: float


def bounds(
    lowest: float, highest: float, current: float, reference: float, widen: float, factor: float
) -> tuple[float, float]:
    """The guardrail: the observed range widened by a share, but within `factor` of the reference price and of the
    current one: no step is larger, wherever the price stands. It always holds the current price.
    """
    low = max(lowest * (1 - widen), max(reference, current) / factor)
    high = min(highest * (1 + widen), min(reference, current) * factor)
    return min(low, current), max(high, current)


def recommend(
    units_at: UnitsAt, current_price: float, low: float, high: float, terms: Terms, unit_cost: float | None = None
) -> Recommendation:
    """The best label price within [low, high]. `units_at(prices (n,))` gives expected units per draw, (n, S)."""
    candidates = candidate_prices(low, high, CANDIDATES, endings=terms.endings)
    around = current_price * np.array([1 - NUDGE, 1.0, 1 + NUDGE])
    units = units_at(np.concatenate([candidates, around]))
    decision = decide(
        candidates,
        units[:-3],
        current_price,
        units[-2],
        objective=terms.objective,
        unit_cost=unit_cost,
        minimum_probability=terms.minimum_probability,
    )
    return Recommendation(decision, *elasticity(around[[0, 2]], units[[-3, -1]], current_price))
