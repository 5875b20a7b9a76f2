"""What rules leave of the prices of one item: a range, endings and a smallest step, narrowed rule by rule.

A rule that leaves no price is not met for that item, and the ones before it in the file stay: their order is their
priority.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pricewright.core.decision import CANDIDATES, candidate_prices, ends_so
from pricewright.core.plan import Product
from pricewright.rules.file import (
    BETWEEN,
    Ceiling,
    Competitor,
    Endings,
    Floor,
    Frozen,
    LargestStep,
    MarginFloor,
    Rest,
    SmallestStep,
)
from pricewright.rules.items import Items

Floats = NDArray[np.float64]
TINY = 1e-9
CENT = 0.01
WHOLE = 1.0 + CENT  # every ending is in a range as wide as this
PRODUCT_FILE = "product file"  # what its floors and ceilings are called among the rules


@dataclass(frozen=True)
class Limits:
    """Prices from `low` to `high` with one of `endings`, at least `step` (a share) away from the current price; and the
    current price itself, where it is in the range. usual: endings where no rule names any, as far as there are some."""

    current: float
    low: float = CENT
    high: float = np.inf
    endings: tuple[float, ...] | None = None
    step: float = 0.0
    usual: tuple[float, ...] = ()

    @property
    def stays(self) -> bool:
        """Whether the price may stay."""
        return self.low - TINY <= self.current <= self.high + TINY

    def labels(self, low: float, high: float, most: int = CANDIDATES) -> Floats:
        """At most about 2 x `most` new prices in [low, high] that the limits allow, ascending; the ends among them."""
        low, high = max(low, self.low), min(high, self.high)
        if self.step <= 0:
            return self._between(low, high, most)
        below = self._between(low, min(high, self.current * (1 - self.step)), most)
        return np.concatenate([below, self._between(max(low, self.current * (1 + self.step)), high, most)])

    def _between(self, low: float, high: float, most: int) -> Floats:
        if low > high + TINY or self.endings == ():
            return np.empty(0)
        low = min(low, high)
        endings = self.usual if self.endings is None else self.endings
        found = candidate_prices(low, high, most, endings=endings)
        if self.high - self.low > TINY:
            found = found[_whole_cents(found)]  # a narrow part may hold no whole cent
        return found if self.endings is None else found[_ends_so(found, self.endings)]

    @property
    def possible(self) -> bool:
        """Whether any price is left."""
        return self.stays or len(self._nearby()) > 0

    @property
    def kept(self) -> float:
        """The current price where it may stay, else the allowed one nearest to it. Needs `possible`."""
        if self.stays:
            return self.current
        near = self._nearby()
        return float(near[np.abs(near - self.current).argmin()])

    def _nearby(self) -> Floats:
        """Allowed new prices, as near to the current one as any."""
        if self.current < self.low:
            low = max(self.low, self.current * (1 + self.step))
            return self.labels(low, low + WHOLE)
        high = min(self.high, self.current * (1 - self.step))
        return self.labels(max(high - WHOLE, CENT), high)

    def allows(self, price: float) -> bool:
        """Whether a price keeps to the limits."""
        if abs(price - self.current) <= TINY:
            return self.stays
        inside = self.low - TINY <= price <= self.high + TINY
        ended = self.endings is None or bool(_ends_so(np.array([price]), self.endings)[0])
        return inside and ended and abs(price / self.current - 1) >= self.step - TINY


def _ends_so(prices: Floats, endings: Sequence[float]) -> NDArray[np.bool_]:
    return ends_so(prices, endings) & _whole_cents(prices)


def _whole_cents(prices: Floats) -> NDArray[np.bool_]:
    whole: NDArray[np.bool_] = np.abs(prices * 100 - np.round(prices * 100)) < 1e-6
    return whole


class Unmet(NamedTuple):
    """A rule that is not met for some items (indices), and the rules that it contradicts there."""

    rule: str
    items: tuple[int, ...]
    against: tuple[str, ...]


@dataclass
class Narrowed:
    """limits: per item; applied: per item the indices of the rules that it keeps to; unmet: what contradicts; unjudged:
    items per rule of which the rule needs something that nobody knows."""

    limits: list[Limits]
    applied: list[list[int]]
    unmet: list[Unmet] = field(default_factory=list)
    unjudged: dict[str, list[int]] = field(default_factory=dict)


def narrow(rules: Sequence[Any], items: Items, starts: Sequence[Limits]) -> Narrowed:
    """What the rules of single items leave of each item's limits; `starts`: those before any rule."""
    found = Narrowed(list(starts), [[] for _ in range(len(items))])
    for number, rule in enumerate(rules):
        if isinstance(rule, BETWEEN):
            continue
        failed: dict[tuple[str, ...], list[int]] = {}
        for index in items.chosen(rule.where).tolist():
            narrowed = with_rule(found.limits[index], rule, items, index)
            if narrowed is None:
                found.unjudged.setdefault(rule.name, []).append(index)
            elif narrowed.possible:
                found.limits[index] = narrowed
                found.applied[index].append(number)
            else:
                kept = [rules[one] for one in found.applied[index]]
                failed.setdefault(_against(rule, kept, items, index, starts[index]), []).append(index)
        found.unmet += [Unmet(rule.name, tuple(indices), against) for against, indices in failed.items()]
    return found


def _against(rule: Any, kept: Sequence[Any], items: Items, index: int, start: Limits) -> tuple[str, ...]:
    """A smallest set of the rules kept with which `rule` leaves no price: each that can be left out is."""
    needed = list(kept)
    for one in reversed(kept):
        fewer = [other for other in needed if other is not one]
        if not all_of([*fewer, rule], items, index, start).possible:
            needed = fewer
    blank = replace(start, low=CENT, high=np.inf)
    from_file = all_of([*needed, rule], items, index, blank).possible
    return (*((PRODUCT_FILE,) if from_file else ()), *(one.name for one in needed))


def all_of(rules: Sequence[Any], items: Items, index: int, start: Limits) -> Limits:
    """The limits under all of the rules, whether a price is left or not."""
    for rule in rules:
        start = with_rule(start, rule, items, index) or start
    return start


def with_rule(limits: Limits, rule: Any, items: Items, index: int) -> Limits | None:
    """The limits under one rule more; None where it needs something that is not known of the item."""
    return NARROW[rule.kind](limits, rule, items, index)


def _inside(limits: Limits, low: float = CENT, high: float = np.inf) -> Limits:
    return replace(limits, low=max(limits.low, low), high=min(limits.high, high))


def _floor(limits: Limits, rule: Floor, items: Items, index: int) -> Limits:
    return _inside(limits, low=rule.price)


def _ceiling(limits: Limits, rule: Ceiling, items: Items, index: int) -> Limits:
    return _inside(limits, high=rule.price)


def _margin_floor(limits: Limits, rule: MarginFloor, items: Items, index: int) -> Limits | None:
    cost = float(items.unit_cost[index]) / (1.0 if items.net is None else float(items.net[index]))
    return _inside(limits, low=cost / (1 - rule.at_least)) if np.isfinite(cost) else None


def _largest_step(limits: Limits, rule: LargestStep, items: Items, index: int) -> Limits:
    return _inside(limits, limits.current * (1 - rule.at_most), limits.current * (1 + rule.at_most))


def _smallest_step(limits: Limits, rule: SmallestStep, items: Items, index: int) -> Limits:
    return replace(limits, step=max(limits.step, rule.at_least))


def _endings(limits: Limits, rule: Endings, items: Items, index: int) -> Limits:
    endings = rule.endings if limits.endings is None else tuple(one for one in limits.endings if one in rule.endings)
    return replace(limits, endings=endings)


def _competitor(limits: Limits, rule: Competitor, items: Items, index: int) -> Limits | None:
    asked = float(items.competitor_price[index])
    if not (np.isfinite(asked) and asked > 0):
        return None
    low = CENT if rule.lowest is None else asked * (1 + rule.lowest)
    return _inside(limits, low, np.inf if rule.highest is None else asked * (1 + rule.highest))


def _frozen(limits: Limits, rule: Frozen, items: Items, index: int) -> Limits:
    return _inside(limits, limits.current, limits.current) if rule.holds(items.week) else limits


def _rest(limits: Limits, rule: Rest, items: Items, index: int) -> Limits:
    rests = items.weeks_since[index] < rule.weeks  # nan: it never changed
    return _inside(limits, limits.current, limits.current) if rests else limits


Narrow = Callable[[Limits, Any, Items, int], Limits | None]
NARROW: Mapping[str, Narrow] = {
    "floor": _floor, "ceiling": _ceiling, "margin_floor": _margin_floor, "largest_step": _largest_step,
    "smallest_step": _smallest_step, "endings": _endings, "competitor": _competitor, "frozen": _frozen, "rest": _rest,
}  # fmt: skip


def offered(product: Product, limits: Limits) -> Product:
    """A product with the prices that its limits leave. Where its guardrail shares none with them, the nearest one."""
    low, high = (float(min(max(end, limits.low), limits.high)) for end in (product.low, product.high))
    kept = limits.kept
    low, high = min(low, kept), max(high, kept)
    if not limits.stays:  # no allowed price is nearer: what stays within the ends stays with the rules
        low, high = (kept, high) if kept > limits.current else (low, kept)
    return product._replace(low=low, high=high, candidates=limits.labels(low, high), kept=kept)
