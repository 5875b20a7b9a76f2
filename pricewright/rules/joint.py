"""Prices of items that rules bind together, block by block: families and rules between items join items to blocks."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pricewright.core.plan import Product, family_value, values_at, worth_of
from pricewright.core.substitution import Demand, Draws, Posterior
from pricewright.rules.between import Clause, Options, best_choice
from pricewright.rules.file import BETWEEN
from pricewright.rules.items import Items
from pricewright.rules.limits import CENT, TINY, Limits, Unmet, all_of, offered, with_rule

Floats = NDArray[np.float64]
ROUNDS = 4  # of choosing with worths taken at the choice before
COARSE, NEAR = 24, 12  # candidates of an item over its whole range, and on either side of its price
REACH = 3.0  # where the guardrail leaves no way to meet the rules, prices up to this factor beyond it are tried
MANY = 1000.0  # times the largest worth: what leaving the guardrail by the whole price counts for


class Shop(NamedTuple):
    """n items as a plan needs them. products: without rules; starts: limits before any rule; draws, seed, probability:
    as in make_plan."""

    posterior: Posterior
    products: Sequence[Product]
    items: Items
    starts: Sequence[Limits]
    draws: int
    seed: int
    probability: float

    def some(self, rows: NDArray[np.int64]) -> "Shop":
        """The shop of some items, whole families of them."""
        chosen = ([values[row] for row in rows] for values in (self.products, self.starts))
        products, starts = chosen
        return self._replace(posterior=self.posterior[rows], products=products, items=self.items[rows], starts=starts)


@dataclass
class Block:
    """Items whose prices are chosen together. joint: those in a clause; limits, products: of these; prices: of all;
    explain: whether to look for the rules that one which cannot be met contradicts."""

    shop: Shop
    rules: Sequence[Any]
    clauses: list[Clause]
    families: list[tuple[NDArray[np.int64], Demand]]
    limits: dict[int, Limits]
    products: list[Product]
    prices: Floats
    explain: bool = True
    unmet: list[Unmet] = field(default_factory=list)

    @classmethod
    def of(
        cls, shop: Shop, rules: Sequence[Any], clauses: Sequence[Clause], members: Sequence[NDArray[np.int64]],
        limits: Sequence[Limits], products: list[Product], prices: Floats,
    ) -> "Block":  # fmt: skip
        """members: the families of the block; products and prices (n,) are those of the whole shop, and are changed."""
        joint = sorted({item for clause in clauses for item in clause.items})
        choosing = Draws(shop.draws, shop.posterior.shared.shape[2], shop.seed)
        families = [(family, choosing.of(shop.posterior[family])) for family in members]
        return cls(shop, rules, list(clauses), families, {i: limits[i] for i in joint}, products, prices)

    def choose(self) -> None:
        """Set prices that meet the clauses, or those of them that can be met, in the order of the rules."""
        beyond = False
        if self._choice(self.clauses, beyond) is None:
            beyond = True
            if self._choice(self.clauses, beyond) is None:
                self._meet_in_order()
                beyond = self._choice(self.clauses, False) is None
        best, highest = self.prices.copy(), -np.inf
        for _ in range(ROUNDS):
            choice = self._choice(self.clauses, beyond)
            if choice is None:
                break
            before = self.prices.copy()
            for item, price in choice.items():
                self.prices[item] = price
            if (worth := self._worth()) > highest:
                best, highest = self.prices.copy(), worth
            if np.array_equal(before, self.prices):
                break
        self.prices[:] = best
        for item in self.limits:
            product, price = self.products[item], float(self.prices[item])
            self.products[item] = product._replace(low=min(product.low, price), high=max(product.high, price))

    def _worth(self) -> float:
        """What the block's prices are worth against those that are kept."""
        total = 0.0
        for members, demand in self.families:
            products = [self.products[i] for i in members]
            kept = np.array([product.kept for product in products])
            gains = family_value(demand, products, self.prices[members]) - family_value(demand, products, kept)
            total += float(worth_of(gains))
        return total

    def _choice(self, clauses: Sequence[Clause], beyond: bool) -> dict[int, float] | None:
        tried = self._candidates(self.limits, clauses, beyond)
        worths = self._worths(tried)
        largest = max((float(np.abs(worth).max(initial=0.0)) for worth in worths.values()), default=0.0)
        options = {}
        for item, prices in tried.items():
            product = self.products[item]
            low, high = (product.kept, product.kept) if product.fixed else (product.low, product.high)
            outside = np.maximum(np.maximum(low - prices, prices - high), 0.0) / product.kept
            options[item] = Options(prices, worths[item] - outside * MANY * max(largest, TINY), product.current)
        return best_choice(options, clauses)

    def _worths(self, tried: Mapping[int, Floats]) -> dict[int, Floats]:
        """What each tried price is worth to the family, the others at their prices; not above 0 for a move that gains
        too rarely."""
        found = {}
        for members, demand in self.families:
            products = [self.products[i] for i in members]
            for row, item in enumerate(members.tolist()):
                if item in tried:
                    prices = np.append(tried[item], products[row].kept)
                    values = values_at(demand, products, self.prices[members], row, prices)
                    gains = values[:-1] - values[-1]
                    sure = (gains > 0).mean(axis=1) >= self.shop.probability
                    worth = worth_of(gains)
                    found[item] = np.where(sure, worth, np.minimum(worth, 0.0))
        return found

    def _candidates(self, limits: Mapping[int, Limits], clauses: Sequence[Clause], beyond: bool) -> dict[int, Floats]:
        """Prices that are tried for each item; items of a price line share theirs. An item of which rules only count
        the changes has two: the planned one and the one that is kept."""
        linked = {item for clause in clauses if not clause.counts for item in clause.items}
        found = {}
        for item, limit in limits.items():
            product = offered(self.products[item], limit)
            planned = [price for price in (float(self.prices[item]), product.kept) if limit.allows(price)]
            if item in linked:
                planned += self._spread(product, limit, float(self.prices[item]), beyond)
            found[item] = np.unique(np.round([*planned, product.kept], 9))
        return _shared(found, limits, clauses, self.products, beyond)

    @staticmethod
    def _spread(product: Product, limit: Limits, price: float, beyond: bool) -> list[float]:
        if product.fixed and not beyond:
            return []
        low, high = (product.low / REACH, product.high * REACH) if beyond else (product.low, product.high)
        labels = limit.labels(low, high)
        nearest = int(np.searchsorted(labels, price))
        coarse = np.linspace(0, max(len(labels) - 1, 0), min(COARSE, len(labels))).round().astype(int)
        near = np.arange(max(nearest - NEAR, 0), min(nearest + NEAR, len(labels)))
        return [float(one) for one in labels[np.union1d(coarse, near).astype(int)]]

    def _possible(self, limits: Mapping[int, Limits], clauses: Sequence[Clause], around: Iterable[int]) -> bool:
        """Whether some prices meet the clauses, where those met before that are not linked to `around` can be met."""
        near = _linked(around, clauses)
        mine = [clause for clause in clauses if not clause.counts and clause.items[0] in near]
        if not self._some_choice({item: limits[item] for item in near}, mine):
            return False
        return not any(clause.counts for clause in clauses) or self._some_choice(limits, clauses)

    def _some_choice(self, limits: Mapping[int, Limits], clauses: Sequence[Clause]) -> bool:
        if not all(limit.possible for limit in limits.values()):
            return False
        tried = self._candidates(limits, clauses, True)
        options = {i: Options(prices, np.zeros(len(prices)), self.products[i].current) for i, prices in tried.items()}
        return best_choice(options, clauses) is not None

    def _meet_in_order(self) -> None:
        """Narrow limits and clauses to what can be met: rule by rule in the file's order. A rule that cannot be
        met as a whole is halved until what cannot be met is one item or one clause."""
        limits = {item: self.shop.starts[item] for item in self.limits}
        kept: list[Clause] = []
        met: dict[int, list[int]] = {}  # by rule: the items that it was laid on
        for number, rule in enumerate(self.rules):
            if isinstance(rule, BETWEEN):
                mine = [clause for clause in self.clauses if clause.rule == number]
                self._add_clauses(number, mine, limits, kept, met)
            else:
                chosen = [i for i in self.shop.items.chosen(rule.where).tolist() if i in limits]
                self._add_limits(number, chosen, limits, kept, met)
        self.clauses = kept
        self.limits = limits
        for item, limit in limits.items():
            self.products[item] = offered(self.shop.products[item], limit)

    def _add_clauses(
        self, number: int, mine: list[Clause], limits: Mapping[int, Limits], kept: list[Clause],
        met: Mapping[int, list[int]],
    ) -> None:  # fmt: skip
        parts = [mine] if mine else []
        while parts:
            part = parts.pop(0)
            if self._possible(limits, [*kept, *part], {item for clause in part for item in clause.items}):
                kept += part
            elif len(part) == 1:
                self._explain(number, part[0].items, met, [*kept, *part])
            else:
                parts[:0] = [part[: len(part) // 2], part[len(part) // 2 :]]

    def _add_limits(
        self, number: int, chosen: Sequence[int], limits: dict[int, Limits], kept: Sequence[Clause],
        met: dict[int, list[int]],
    ) -> None:  # fmt: skip
        rule, items = self.rules[number], self.shop.items
        narrowed = {i: limit for i in chosen if (limit := with_rule(limits[i], rule, items, i)) is not None}
        parts = [list(narrowed)] if narrowed else []
        while parts:
            part = parts.pop(0)
            more = {item: narrowed[item] for item in part}
            if self._possible(limits | more, kept, part):
                limits.update(more)
                met.setdefault(number, []).extend(part)
            elif len(part) == 1:
                self._explain(number, (part[0],), met | {number: [*met.get(number, []), *part]}, kept)
            else:
                parts[:0] = [part[: len(part) // 2], part[len(part) // 2 :]]

    def _explain(
        self, number: int, items: tuple[int, ...], met: Mapping[int, list[int]], clauses: Sequence[Clause]
    ) -> None:
        """Note that a rule is not met for these items, and what it contradicts: the rules that others of its items
        contradict, if these suffice, else a set of which none can be left out."""
        needed = [rule for rule in range(number) if rule in met or any(clause.rule == rule for clause in clauses)]
        if not self.explain:
            self.unmet.append(Unmet(self.rules[number].name, items, ()))
            return
        names = {rule.name: i for i, rule in enumerate(self.rules)}
        for against in sorted({one.against for one in self.unmet if one.rule == self.rules[number].name}, key=len):
            if not self._possible_under({number, *(names[name] for name in against)}, met, clauses, items):
                self.unmet.append(Unmet(self.rules[number].name, items, against))
                return
        for rule in reversed(needed.copy()):
            fewer = [one for one in needed if one != rule]
            if not self._possible_under({*fewer, number}, met, clauses, items):
                needed = fewer
        against = tuple(self.rules[rule].name for rule in needed)
        self.unmet.append(Unmet(self.rules[number].name, items, against))

    def _possible_under(
        self, rules: set[int], met: Mapping[int, list[int]], clauses: Iterable[Clause], around: Iterable[int]
    ) -> bool:
        laid = {rule: set(items) for rule, items in met.items() if rule in rules}
        left = [clause for clause in clauses if clause.rule in rules]
        limits = {}
        for item in self.limits if any(clause.counts for clause in left) else _linked(around, left):
            mine = [self.rules[rule] for rule in sorted(laid) if item in laid[rule]]
            limits[item] = all_of(mine, self.shop.items, item, self.shop.starts[item])
        return self._possible(limits, left, around)


def _linked(around: Iterable[int], clauses: Sequence[Clause]) -> set[int]:
    """The items that clauses link to some items, directly or through others; counting the changes links nothing."""
    beside: dict[int, list[Clause]] = {}
    for clause in clauses:
        if not clause.counts:
            for item in clause.items:
                beside.setdefault(item, []).append(clause)
    found: set[int] = set()
    waiting = list(around)
    while waiting:
        item = waiting.pop()
        if item not in found:
            found.add(item)
            waiting += [other for clause in beside.get(item, ()) for other in clause.items]
    return found


def _shared(
    found: dict[int, Floats], limits: Mapping[int, Limits], clauses: Sequence[Clause], products: Sequence[Product],
    beyond: bool,
) -> dict[int, Floats]:  # fmt: skip
    """The prices of each item and those of the items that have to cost the same, as far as it may cost that."""
    same: dict[int, set[int]] = {}
    for clause in clauses:
        if clause.lowest == clause.highest == 0.0 and clause.weights == (1.0, -1.0):
            group = same.get(clause.items[0], {clause.items[0]}) | same.get(clause.items[1], {clause.items[1]})
            same.update(dict.fromkeys(group, group))
    merged = dict(found)
    for item, group in same.items():
        prices = np.unique(np.concatenate([found[other] for other in group]))
        product = products[item]
        reach = REACH if beyond else 1.0
        low, high = max(product.low / reach, CENT) - TINY, product.high * reach + TINY
        allowed = [limits[item].allows(float(price)) and low <= price <= high for price in prices]
        merged[item] = np.union1d(prices[allowed], found[item])
    return merged
