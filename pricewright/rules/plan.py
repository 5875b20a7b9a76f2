"""The plan under rules: which of them are met, which bind, what each costs, and what contradicts what."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pricewright.core.plan import Plan, Product, family_value, make_plan
from pricewright.core.substitution import Draws
from pricewright.rules.between import CLOSE, Clause, blocks_of, clauses_of
from pricewright.rules.file import BETWEEN, MostChanges
from pricewright.rules.joint import Block, Shop
from pricewright.rules.limits import Limits, Unmet, narrow, offered, with_rule

Floats = NDArray[np.float64]
SHOWN = 5  # items that a contradiction names


@dataclass(frozen=True)
class Decided:
    """prices: (n,); products: what the rules leave of each; limits, applied: see limits.Narrowed; clauses: those met;
    unmet: what contradicts; unjudged: items per rule of which it needs something that nobody knows."""

    prices: Floats
    products: list[Product]
    limits: list[Limits]
    clauses: list[Clause]
    unmet: list[Unmet]
    unjudged: dict[str, list[int]]

    def broken(self, rules: Sequence[Any], shop: Shop, prices: Floats | None = None) -> dict[str, list[int]]:
        """By rule the items whose prices (n,) break it, those aside for which it could not be met."""
        return broken(rules, shop, self.prices if prices is None else prices, self.unmet)


def decide(shop: Shop, rules: Sequence[Any], *, explain: bool = True) -> Decided:
    """Prices that meet all rules that can be met together, in the file's order of priority.

    explain: whether to look for what contradicts a rule that cannot be met, which takes most of the time.
    """
    narrowed = narrow(rules, shop.items, shop.starts)
    products = [offered(*pair) for pair in zip(shop.products, narrowed.limits, strict=True)]
    prices = make_plan(shop.posterior, products, shop.draws, shop.seed, shop.probability).prices.copy()
    clauses, unjudged = clauses_of(rules, shop.items)
    met, unmet, limits = list(clauses), list(narrowed.unmet), list(narrowed.limits)
    for block in _broken_blocks(shop, rules, clauses, limits, products, prices):
        before, block.explain = set(block.clauses), explain
        block.choose()
        met = [clause for clause in met if clause not in before or clause in set(block.clauses)]
        for item, limit in block.limits.items():
            limits[item] = limit
        if block.unmet:  # the block went through the rules of its items once more
            unmet = [one for old in unmet if (one := _without(old, block.limits)).items] + block.unmet
    return Decided(prices, products, limits, met, _merged(unmet), narrowed.unjudged | unjudged)


def _broken_blocks(
    shop: Shop, rules: Sequence[Any], clauses: Sequence[Clause], limits: list[Limits], products: list[Product],
    prices: Floats,
) -> list[Block]:  # fmt: skip
    """The blocks of which the plan without rules between items breaks one."""
    families = shop.posterior.families()
    blocks = blocks_of(len(products), [*(family.tolist() for family in families), *(one.items for one in clauses)])
    of_item = {item: number for number, block in enumerate(blocks) for item in block}
    current = dict(enumerate(product.current for product in products))
    by_item = dict(enumerate(prices.tolist()))
    wrong = sorted({of_item[clause.items[0]] for clause in clauses if not clause.met(by_item, current)})
    mine: dict[int, list[Clause]] = {number: [] for number in wrong}
    members: dict[int, list[NDArray[np.int64]]] = {number: [] for number in wrong}
    for clause in clauses:
        if (number := of_item[clause.items[0]]) in mine:
            mine[number].append(clause)
    for family in families:
        if (number := of_item[int(family[0])]) in members:
            members[number].append(family)
    return [Block.of(shop, rules, mine[one], members[one], limits, products, prices) for one in wrong]


def _without(unmet: Unmet, items: Mapping[int, Any]) -> Unmet:
    return unmet._replace(items=tuple(item for item in unmet.items if item not in items))


def _merged(unmet: Sequence[Unmet]) -> list[Unmet]:
    """One per rule and the rules that it contradicts."""
    order = sorted(unmet, key=lambda one: (one.rule, one.against))
    return [
        Unmet(rule, tuple(sorted({item for one in same for item in one.items})), against)
        for (rule, against), same in groupby(order, key=lambda one: (one.rule, one.against))
    ]


def broken(rules: Sequence[Any], shop: Shop, prices: Floats, unmet: Sequence[Unmet] = ()) -> dict[str, list[int]]:
    """By rule the items whose prices (n,) break it; unmet: for which it is known not to be met."""
    excused = {(one.rule, frozenset(one.items)) for one in unmet}
    excused_items = {(one.rule, item) for one in unmet for item in one.items}
    found: dict[str, list[int]] = {}
    for rule in rules:
        if not isinstance(rule, BETWEEN):
            items = [i for i in shop.items.chosen(rule.where).tolist() if _breaks(rule, shop, i, float(prices[i]))]
            found[rule.name] = [item for item in items if (rule.name, item) not in excused_items]
    current = dict(enumerate(product.current for product in shop.products))
    by_item = dict(enumerate(prices.tolist()))
    for clause in clauses_of(rules, shop.items)[0]:
        name = rules[clause.rule].name
        known = (name, frozenset(clause.items)) in excused or all((name, i) in excused_items for i in clause.items)
        if not clause.met(by_item, current) and not known:
            found[name] = sorted({*found.get(name, []), *clause.items})
    return {name: items for name, items in found.items() if items}


def _breaks(rule: Any, shop: Shop, item: int, price: float) -> bool:
    alone = with_rule(Limits(shop.products[item].current), rule, shop.items, item)
    return alone is not None and not alone.allows(price)


class Ruled(NamedTuple):
    """The plan under rules. table: a row per rule, as plan.json has it; binding: per item the names of the rules that
    bind; between: per item those that only a whole plan can keep to."""

    plan: Plan
    products: list[Product]
    limits: list[Limits]
    table: list[dict[str, Any]]
    binding: list[tuple[str, ...]]
    between: list[tuple[str, ...]]


def plan_under_rules(shop: Shop, rules: Sequence[Any]) -> Ruled:
    """The plan that meets the rules. A rule binds where the plan without any rule would break it; it costs what the
    plan without it would earn more in a week."""
    free = make_plan(shop.posterior, shop.products, shop.draws, shop.seed, shop.probability).prices
    found = decide(shop, rules)
    plan = make_plan(shop.posterior, found.products, shop.draws, shop.seed, shop.probability, found.prices)
    binds = _binding(rules, shop, free, found)
    table = []
    for number, rule in enumerate(rules):
        items = binds.get(rule.name, set())
        cost = cost_of(number, rules, shop, found.prices, items) if items else 0.0
        table.append(_row(rule, shop, items, cost, found))
    names = [tuple(name for name, items in binds.items() if i in items) for i in range(len(found.prices))]
    between = _names_by_item(rules, found.clauses, len(found.prices))
    return Ruled(plan, found.products, found.limits, table, names, between)


def _binding(rules: Sequence[Any], shop: Shop, free: Floats, found: Decided) -> dict[str, set[int]]:
    """By rule, in the file's order, the items that it binds."""
    other = np.abs(free - found.prices) > CLOSE
    stays = np.abs(np.array([product.current for product in shop.products]) - found.prices) <= CLOSE
    broke = broken(rules, shop, free, found.unmet)
    bound = {rule.name: other & stays if isinstance(rule, MostChanges) else other for rule in rules}
    return {name: {i for i in broke[name] if bound[name][i]} for name in bound if name in broke}


def _names_by_item(rules: Sequence[Any], clauses: Sequence[Clause], count: int) -> list[tuple[str, ...]]:
    found: list[dict[str, None]] = [{} for _ in range(count)]
    for clause in clauses:
        for item in clause.items:
            found[item][rules[clause.rule].name] = None
    return [tuple(names) for names in found]


def _row(rule: Any, shop: Shop, items: Any, cost: float, found: Decided) -> dict[str, Any]:
    unmet = [one for one in found.unmet if one.rule == rule.name]
    return {
        "rule": rule.name,
        "kind": rule.kind,
        "items": len(shop.items.chosen(rule.where)),
        "binds": len(items),
        "cost": cost,
        "not_judged": len(found.unjudged.get(rule.name, ())),
        "not_met": len({item for one in unmet for item in one.items}),
        "contradictions": [
            {"items": [shop.items.keys[i] for i in one.items[:SHOWN]], "count": len(one.items), "rules": one.against}
            for one in unmet
        ],
    }


def cost_of(number: int, rules: Sequence[Any], shop: Shop, prices: Floats, bound: Any) -> float:
    """What the plan without this rule earns more in a week than `prices` (n,), on the draws that promise."""
    clauses = clauses_of(rules, shop.items)[0]
    families = [family.tolist() for family in shop.posterior.families()]
    blocks = blocks_of(len(prices), [*families, *(clause.items for clause in clauses)])
    rows = np.array(sorted(i for block in blocks if set(block) & set(bound) for i in block), dtype=np.int64)
    part = shop.some(rows)
    others = [rule for i, rule in enumerate(rules) if i != number]
    without = decide(part, others, explain=False).prices
    return earned(part, without) - earned(part, prices[rows])


def earned(shop: Shop, prices: Floats) -> float:
    """Expected sales, or profit where costs count, of a week at prices (n,), on the draws that promise."""
    promising = Draws(shop.draws, shop.posterior.shared.shape[2], shop.seed + 1)
    total = 0.0
    for members in shop.posterior.families():
        products = [shop.products[i] for i in members]
        total += float(family_value(promising.of(shop.posterior[members]), products, prices[members]).mean())
    return total
