"""What other prices of some products would do to units, sales and profit, of them and of the whole shop. Numpy only.

What the set loses to others of its families, and wins from them, counts in the whole. Units are expected ones of the
coming week; intervals hold 90 % of the posterior draws.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pricewright.core.decision import SHARES
from pricewright.core.errors import ParameterError
from pricewright.core.substitution import Demand, Draws, Posterior, Whole

Floats = NDArray[np.float64]
DRAWS, SEED = 128, 1
TOGETHER = 1000  # products that compete with nobody, computed at once
TINY = 1e-9
EACH = ("units_now", "sales_now", "units", "sales", "gain")  # what intervals_of gives of a product
EARNED = ("units", "sales", "profit")  # what is summed up
PERCENT = re.compile(r"([+-]?(?:\d{1,9}(?:\.\d{0,9})?|\.\d{1,9})) ?[%％]")  # in the digits of any script
MOST_CHANGE, MOST_PRICE = 10.0, 1e9


class Change(NamedTuple):
    """Exactly one of them: a share by which prices change (-0.1 is 10 % less), the price that all shall have, or the
    price of each, (n,)."""

    share: float | None = None
    price: float | None = None
    each: tuple[float, ...] = ()

    def prices(self, current: Floats) -> Floats:
        """The prices that are asked for, (n,)."""
        if self.each:
            return np.array(self.each, dtype=np.float64)
        if self.share is None:
            return np.full(len(current), self.price, dtype=np.float64)
        return current * (1 + self.share)


class Shop:
    """All n products: what is known of their demand, their current prices and their guardrails, (n,) each.

    net: what tax leaves of a price; cost: of a unit, without tax, nan where it is not known; both (n,).
    """

    def __init__(
        self, posterior: Posterior, current: Floats, low: Floats, high: Floats, draws: int = DRAWS, seed: int = SEED,
        net: Floats | None = None, cost: Floats | None = None,
    ) -> None:  # fmt: skip
        self.posterior, self.current, self.low, self.high = posterior, current, low, high
        self.draws = draws
        self.net = np.ones(len(current)) if net is None else net
        self.cost = np.full(len(current), np.nan) if cost is None else cost
        self._joint = Draws(draws, posterior.shared.shape[2], seed)
        self._parts = _parts(posterior.families())
        self._part_of = np.empty(len(current), dtype=np.int64)
        for number, members in enumerate(self._parts):
            self._part_of[members] = number

    @cached_property
    def now(self) -> Floats:
        """Units, sales and profit of all products together at current prices, per draw, (3, S)."""
        totals = np.zeros((len(EARNED), self.draws))
        for members, demand in self.parts():
            totals += self.earned(members, demand, self.current).sum(axis=1)
        return totals

    def earned(self, members: Whole, demand: Demand, prices: Floats) -> Floats:
        """Units, sales and profit of the members (m,) at prices (n,), per draw, (3, m, S), sales without tax where it
        is known; profit is 0 where the cost is not known."""
        units, own = demand.units(prices[members]), prices[members] * self.net[members]
        margins = np.nan_to_num(own - self.cost[members])
        return np.stack([units, own[:, None] * units, margins[:, None] * units])

    def parts(self, chosen: Whole | None = None) -> Iterator[tuple[Whole, Demand]]:
        """Parts that share no demand, one at a time so that memory holds one: all, or those of some products."""
        for number in range(len(self._parts)) if chosen is None else np.unique(self._part_of[chosen]):
            members = self._parts[number]
            draw = self._joint.of if self._compete(members) else self._joint.of_alone
            yield members, draw(self.posterior[members])

    def touches_all(self, chosen: Whole) -> bool:
        """Whether every part has one of these products."""
        return len(np.unique(self._part_of[chosen])) == len(self._parts)

    def _compete(self, members: Whole) -> bool:
        return bool(self.posterior.family[members[0]] == self.posterior.family[members[-1]])


def read_share(text: str) -> float:
    """The share in a text such as -10% or +2.5%. Raises ParameterError."""
    found = PERCENT.fullmatch(text.strip())
    share = float(found[1]) / 100 if found else float("nan")
    if not -1 < share <= MOST_CHANGE:
        raise ParameterError(
            f"change is {text[:40]!r}: per cent above -100% and up to {MOST_CHANGE:.0%} are needed, with the sign %.",
            hint="such as -10% for a tenth less, or give a price.",
        )
    return share


def what_if(shop: Shop, chosen: Whole, change: Change) -> dict[str, Any]:
    """Units, sales and profit of the chosen products (indices in the shop) after a change of prices, and of `all`.

    Prices are taken as asked for; `outside_guardrail` counts those beyond it. Profit is that of the products whose cost
    is known, which `costed` counts; without any there is none.
    """
    prices, inside = shop.current.copy(), np.zeros(len(shop.current), dtype=bool)
    prices[chosen] = change.prices(shop.current[chosen])
    inside[chosen] = True
    before, after, touched, gained = (np.zeros((len(EARNED), shop.draws)) for _ in range(4))
    for members, demand in shop.parts(chosen):
        old, new = (shop.earned(members, demand, at) for at in (shop.current, prices))
        before += old[:, inside[members]].sum(axis=1)
        after += new[:, inside[members]].sum(axis=1)
        touched += old.sum(axis=1)
        gained += (new - old).sum(axis=1)
    total = touched if shop.touches_all(chosen) else shop.now
    asked, low, high = prices[chosen], shop.low[chosen], shop.high[chosen]
    known = np.isfinite(shop.cost)
    return {
        **_summary(before, after, int(known[chosen].sum())),
        "skus": len(chosen),
        "changed": int((np.abs(asked - shop.current[chosen]) > TINY).sum()),
        "outside_guardrail": int(((asked < low - TINY) | (asked > high + TINY)).sum()),
        "all": _summary(total, total + gained, int(known.sum())),
    }


def what_if_by(
    shop: Shop, chosen: Whole, change: Change, labels: NDArray[np.str_]
) -> dict[str, dict[str, float | None]]:
    """What what_if says of the chosen products, label by label; labels: (n,) of all products."""
    prices, inside = shop.current.copy(), np.zeros(len(shop.current), dtype=bool)
    prices[chosen] = change.prices(shop.current[chosen])
    inside[chosen] = True
    names, label_of = np.unique(labels, return_inverse=True)
    totals = np.zeros((2, len(EARNED), len(names), shop.draws))
    counts = np.bincount(label_of[chosen], minlength=len(names))
    costed = np.bincount(label_of[chosen], np.isfinite(shop.cost[chosen]), len(names)).astype(int)
    for members, demand in shop.parts(chosen):
        rows = np.flatnonzero(inside[members])
        for total, at in zip(totals, (shop.current, prices), strict=True):
            earned = shop.earned(members, demand, at)[:, rows]
            for label in np.unique(label_of[members[rows]]):
                total[:, label] += earned[:, label_of[members[rows]] == label].sum(axis=1)
    return {
        str(name): {
            "skus": int(counts[label]),
            **_summary(totals[0][:, label], totals[1][:, label], int(costed[label])),
        }
        for label, name in enumerate(names)
        if counts[label]
    }


def intervals_of(shop: Shop, chosen: Whole, prices: Floats, trust: float = 1.0) -> dict[str, Floats]:
    """90 % intervals of each chosen product's units, sales and gain, now and where all n products have these prices.

    Each has (k,) values. trust: the share of a gain that is promised, 0 to 1; units are those of the promised sales.
    """
    found = {f"{name}_{end}": np.zeros(len(chosen)) for name in EACH for end in ("low", "high")}
    row_of = np.full(len(shop.current), -1, dtype=np.int64)
    row_of[chosen] = np.arange(len(chosen))
    for members, demand in shop.parts(chosen):
        rows = np.flatnonzero(row_of[members] >= 0)
        old, new = (shop.earned(members, demand, at)[:, rows] for at in (shop.current, prices))
        gain = trust * (new[1] - old[1])
        promised = old[1] + gain
        units = promised / (prices * shop.net)[members[rows], None]
        for name, drawn in zip(EACH, (old[0], old[1], units, promised, gain), strict=True):
            for end, values in zip(("low", "high"), np.quantile(drawn, SHARES, axis=1), strict=True):
                found[f"{name}_{end}"][row_of[members[rows]]] = values
    return found


def _parts(families: Sequence[Whole]) -> list[Whole]:
    """Each family, and products that compete with nobody, many together."""
    alone = np.array([members[0] for members in families if len(members) == 1], dtype=np.int64)
    blocks = [alone[start : start + TOGETHER] for start in range(0, len(alone), TOGETHER)]
    return [members for members in families if len(members) > 1] + blocks


def _summary(now: Floats, then: Floats, costed: int) -> dict[str, float | None]:
    """Means and 90 % intervals, also of the gain of sales; now, then: (3, S); costed: products whose cost is known,
    without which nothing is said of profit."""
    found: dict[str, float | None] = {"costed": costed}
    for name, before, after in zip(EARNED, now, then, strict=True):
        if name == EARNED[-1] and not costed:
            found |= dict.fromkeys((f"{name}_now", name, f"{name}_low", f"{name}_high"))
            continue
        low, high = np.quantile(after, SHARES)
        found |= {
            f"{name}_now": float(before.mean()),
            name: float(after.mean()),
            f"{name}_low": float(low),
            f"{name}_high": float(high),
        }
    gain = then[1] - now[1]
    low, high = np.quantile(gain, SHARES)
    return found | {"sales_gain": float(gain.mean()), "sales_gain_low": float(low), "sales_gain_high": float(high)}
