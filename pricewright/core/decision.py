"""One recommendation for one SKU: candidate prices, the model's units, the decision and the elasticity.

Training writes the price list with it and the price API answers with it, so both say the same. Numpy only.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pricewright.core.errors import ParameterError

Floats = NDArray[np.float64]
Objective = Literal["sales", "profit"]
NORMAL_95 = 1.6448536269514722  # 95 % quantile of the standard normal: 5 % on either side of a 90 % interval
SHARES = (0.05, 0.95)  # quantiles: the ends of a 90 % interval
TINY = 1e-9
UnitsAt = Callable[[Floats], NDArray[Any]]
CANDIDATES = 200  # label prices that are compared, at most: the best is found to 0.5 % of the guardrail's width
NUDGE = 0.01  # the elasticity is the slope between one per cent below and above the current price


class Decision(NamedTuple):
    """The price to set and what is expected of it; probabilities are None where a model has no posterior."""

    optimal_price: float
    expected_units: float
    expected_sales: float
    current_expected_sales: float
    sales_uplift: float  # share: 0.05 is 5 % more sales than at the current price
    uplift_probability: float | None
    reason: str
    moved: bool


def price_grid(low: float, high: float, bins: int) -> Floats:
    """`bins` prices from low to high, both included, evenly spaced; shape (bins,)."""
    if not 0 < low <= high or bins < 2:
        raise ParameterError(
            f"price range {low} to {high} in {bins} bins: 0 < low <= high and at least 2 bins are needed."
        )
    prices = low + np.arange(bins, dtype=np.float64) * ((high - low) / (bins - 1))
    prices[-1] = high
    return prices


def candidate_prices(
    low: float, high: float, most: int, *, endings: Sequence[float] = (), step: float = 0.01
) -> Floats:
    """Prices that can stand on a label: multiples of `step` inside [low, high], shape (at most `most`,), ascending.

    With `endings` such as (0.99, 0.95) only prices that end so, as long as the range holds one.
    """
    ended = _ended(low, high, endings) if endings else np.empty(0)
    if len(ended):
        return ended if len(ended) <= most else ended[np.linspace(0, len(ended) - 1, most).round().astype(int)]
    first, last = math.ceil(low / step - TINY), math.floor(high / step + TINY)
    if last < first:  # the range is narrower than one step
        return np.array([(low + high) / 2])
    count = min(most, int(last - first) + 1)
    steps = (first + np.arange(count, dtype=np.float64) * ((last - first) / max(count - 1, 1))).round()
    if count > 1 and (same := steps[1:] == steps[:-1]).any():
        steps = np.delete(steps, np.flatnonzero(same))
    prices: Floats = (steps * step).round(6)
    return prices


def _ended(low: float, high: float, endings: Sequence[float]) -> Floats:
    """All prices inside [low, high] with one of these endings."""
    whole = np.arange(np.floor(low), np.ceil(high) + 1)
    ended = np.concatenate([whole + ending for ending in endings])
    return np.unique(np.round(ended[(ended >= low - TINY) & (ended <= high + TINY)], 6))


def decide(
    prices: Floats,
    units: Floats,
    current_price: float,
    current_units: Floats,
    *,
    objective: Objective = "sales",
    unit_cost: float | None = None,
    minimum_probability: float = 0.75,
) -> Decision:
    """The price with the highest expected value among those that gain with at least `minimum_probability`.

    prices: (n,) candidates inside the guardrail; units: (n, S) expected units per posterior draw;
    current_units: (S,) at the current price. S == 1 means no posterior: then the mean alone decides.
    Raises ParameterError when the objective is profit and no unit cost is known.
    """
    if objective == "profit" and (unit_cost is None or not np.isfinite(unit_cost)):
        raise ParameterError(
            "objective is profit and unit_cost is not known: profit is (price - unit_cost) x units.",
            hint="give unit_cost, add a unit_cost column to the transactions, or use objective=sales.",
        )
    cost = float(unit_cost or 0.0) if objective == "profit" else 0.0
    expected = (prices - cost) * mean_over_draws(units)
    has_posterior = units.shape[1] > 1
    probability = _shares_that_gain(prices - cost, units, (current_price - cost) * current_units)
    pays = expected > (current_price - cost) * _mean(current_units) * (1 + 1e-6)
    admitted = pays & (probability >= minimum_probability) if has_posterior else pays
    moves = bool(admitted.any())
    best = int((np.where(admitted, expected, -np.inf) if moves else expected).argmax())
    if not moves or abs(prices[best] - current_price) < TINY:
        why = _why_kept(bool(pays.any()), has_posterior, float(probability[best]), minimum_probability, objective)
        return _decision(current_price, current_units, current_price, current_units, None, why, moved=False)
    chance = float(probability[best]) if has_posterior else None
    why = _why_moved(float(prices[best]), current_price, best, len(prices), objective)
    return _decision(float(prices[best]), units[best], current_price, current_units, chance, why, moved=True)


def interval(units: Floats, dispersion: float | Floats, spread: float = 1.0) -> tuple[Floats, Floats, Floats]:
    """Mean and 90 % interval of the units of one week: posterior spread plus negative binomial noise.

    units: (n, S); dispersion: size of the negative binomial (variance = mean + mean^2 / size), one or (n,); spread: the
    calibration factor on the standard deviation, learned from held-out weeks. Moments are matched by a gamma,
    whose quantiles follow Wilson and Hilferty (1931). Returns three arrays of shape (n,).
    """
    return interval_of_moments(*moments(units), dispersion, spread)


def moments(units: NDArray[Any]) -> tuple[Floats, Floats]:
    """Mean over the draws and variance between them, (n,) each."""
    mean = mean_over_draws(units)
    return mean, mean_over_draws(np.square(units - mean[:, None].astype(units.dtype)))


def interval_of_moments(
    mean: Floats, between: Floats, dispersion: float | Floats, spread: float = 1.0
) -> tuple[Floats, Floats, Floats]:
    """The same from the mean over the draws and the variance between them, (n,) each."""
    variance = np.maximum((between + mean + (between + mean**2) / dispersion) * spread**2, TINY)
    shape = np.maximum(mean, TINY) ** 2 / variance
    low, high = _wilson_hilferty(shape, NORMAL_95)
    return mean, np.floor(mean * low), np.ceil(mean * high)


def mean_over_draws(units: NDArray[Any]) -> Floats:
    """Means (n,) of units (n, S), in double precision whatever the units have: the product is a third of the time."""
    means: Floats = (units @ np.full(units.shape[1], 1 / units.shape[1], dtype=units.dtype)).astype(np.float64)
    return means


def _shares_that_gain(margins: Floats, units: NDArray[Any], current_value: NDArray[Any]) -> Floats:
    """Share of the draws, (n,), in which margin x units exceeds the present value (S,)."""
    gains = margins.astype(units.dtype)[:, None] * units > current_value
    shares: Floats = (gains.astype(units.dtype) @ np.ones(units.shape[1], dtype=units.dtype)).astype(np.float64)
    shares /= units.shape[1]  # the sums above are whole numbers, exact in either precision
    return shares


def _mean(values: NDArray[Any]) -> float:
    """As values.mean(), (S,), without the 10 us that it spends on its arguments."""
    return float(np.add.reduce(values, dtype=np.float64)) / len(values)


def elasticity(prices: Floats, units: Floats, at: float) -> tuple[float, float, float]:
    """Own-price elasticity d log(units) / d log(price) at a price: mean, 5 % and 95 % over the draws.

    prices: (n,) ascending, n >= 2; units: (n, S). The slope is taken between the neighbours of `at`.
    """
    right = min(max(int(np.searchsorted(prices, at)), 1), len(prices) - 1)
    logs = np.log(np.maximum(units[right - 1 : right + 1].astype(np.float64), TINY))
    draws = (logs[1] - logs[0]) / math.log(prices[right] / prices[right - 1])
    draws.sort()
    return _mean(draws), _quantile(draws, 0.05), _quantile(draws, 0.95)


def _quantile(ordered: Floats, share: float) -> float:
    """As np.quantile of sorted values, which spends 30 us on its arguments: a tenth of an answer."""
    position = share * (len(ordered) - 1)
    below = int(position)
    above = min(below + 1, len(ordered) - 1)
    return float(ordered[below] + (position - below) * (ordered[above] - ordered[below]))


def _wilson_hilferty(shape: Floats, z: float) -> tuple[Floats, Floats]:
    """Quantiles of a gamma with mean 1 and the given shape, at the normal quantiles -z and z."""
    middle, apart = 1 - 1 / (9 * shape), (z / 3) / np.sqrt(shape)
    low, high = np.maximum(middle - apart, 0.0), np.maximum(middle + apart, 0.0)
    return low * low * low, high * high * high


def _decision(
    price: float,
    units: Floats,
    current_price: float,
    current_units: Floats,
    probability: float | None,
    reason: str,
    *,
    moved: bool,
) -> Decision:
    mean = _mean(units)
    expected, current = price * mean, current_price * _mean(current_units)
    if not moved and current_units.size > 1:
        probability = 0.0
    uplift = expected / current - 1 if current > 0 else 0.0
    return Decision(price, mean, expected, current, uplift, probability, reason, moved)


def _why_kept(gains: bool, has_posterior: bool, probability: float, needed: float, objective: Objective) -> str:
    if gains and has_posterior:
        return (
            f"keep: the best price within the guardrail gains with probability {probability:.2f}, "
            f"{needed:.2f} is asked for"
        )
    return f"keep: no price within the guardrail has higher expected {objective} than the current one"


def _why_moved(price: float, current: float, best: int, count: int, objective: Objective) -> str:
    direction = "raise" if price > current else "lower"
    why = (
        "demand is inelastic here: fewer units, each earning more"
        if price > current
        else "demand is elastic here: the units gained outweigh the lower price"
    )
    edge = "; the guardrail ends here, the best price may lie beyond" if best in (0, count - 1) else ""
    return f"{direction} by {abs(price / current - 1):.1%} for more expected {objective}: {why}{edge}"


class Terms(NamedTuple):
    """What the shop asks of a recommendation. `bins` prices are drawn as its curve; they decide nothing."""

    bins: int = 50
    objective: Objective = "sales"
    minimum_probability: float = 0.7
    endings: Sequence[float] = ()
    strict: bool = False  # only prices with these endings, also where a range holds none
    smallest_step: float = 0.0  # share of the current price; a smaller change is no candidate


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


def ends_so(prices: Floats, endings: Sequence[float]) -> NDArray[np.bool_]:
    """Which prices end so, to the nearest cent; the shape of `prices`."""
    cents = np.round(prices * 100).astype(np.int64)
    ended: NDArray[np.bool_] = np.isin(cents % 100, [round(ending * 100) for ending in endings])
    return ended


def label_prices(low: float, high: float, terms: Terms, current: float) -> Floats:
    """The candidates within [low, high] under these terms; none where a strict ending or the step leaves none."""
    found = candidate_prices(low, high, CANDIDATES, endings=terms.endings)
    if terms.strict:
        found = found[ends_so(found, terms.endings)]
    if terms.smallest_step > 0:
        found = found[np.abs(found / current - 1) >= terms.smallest_step - TINY]
    return found


def recommend(
    units_at: UnitsAt, current_price: float, low: float, high: float, terms: Terms, unit_cost: float | None = None
) -> Recommendation:
    """The best label price within [low, high]. `units_at(prices (n,))` gives expected units per draw, (n, S)."""
    candidates = label_prices(low, high, terms, current_price)
    if not len(candidates):
        candidates = np.array([current_price])
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
