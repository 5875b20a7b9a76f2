"""Rules between items as linear clauses over their prices, and the joint choice that meets them.

Each item takes one of its candidates: a mixed-integer linear programme, solved by HiGHS (scipy.optimize.milp). A clause
that cannot be met beside those before it is left out.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pricewright.rules.file import MostChanges, Order, Pack, PriceLine
from pricewright.rules.items import Items, read_size

Floats = NDArray[np.float64]
CLOSE = 1e-5  # of a price: a thousandth of a cent
SECONDS = 30.0  # that one programme may take
GAP = 1e-9  # between the choice and the best bound, as a share


@dataclass(frozen=True)
class Clause:
    """lowest <= sum of weights x prices of `items` <= highest; counts: of the number of prices that change instead."""

    rule: int
    items: tuple[int, ...]
    weights: tuple[float, ...]
    highest: float
    lowest: float = -np.inf
    counts: bool = False

    def met(self, prices: Mapping[int, float], current: Mapping[int, float]) -> bool:
        """Whether these prices meet it."""
        values = [float(abs(prices[i] - current[i]) > CLOSE) if self.counts else prices[i] for i in self.items]
        total = sum(weight * value for weight, value in zip(self.weights, values, strict=True))
        return self.lowest - CLOSE <= total <= self.highest + CLOSE


def clauses_of(rules: Sequence[Any], items: Items) -> tuple[list[Clause], dict[str, list[int]]]:
    """The clauses of the rules between items, in the rules' order; and per rule the items that it cannot judge."""
    found: list[Clause] = []
    unjudged: dict[str, list[int]] = {}
    for number, rule in enumerate(rules):
        indices = items.chosen(rule.where)
        if isinstance(rule, MostChanges) and len(indices):
            ones = (1.0,) * len(indices)
            found.append(Clause(number, tuple(indices.tolist()), ones, float(rule.changes), counts=True))
        elif isinstance(rule, PriceLine):
            for group in items.groups(indices, rule.within):
                found += [Clause(number, pair, (1.0, -1.0), 0.0, 0.0) for pair in pairwise(group)]
        elif isinstance(rule, Order):
            found += _order(number, rule, items, indices)
        elif isinstance(rule, Pack):
            unjudged[rule.name] = [i for i in indices.tolist() if read_size(str(items.words["size"][i])) is None]
            found += _packs(number, rule, items, indices)
    return found, {name: indices for name, indices in unjudged.items() if indices}


def _order(number: int, rule: Order, items: Items, indices: NDArray[np.int64]) -> list[Clause]:
    """A pair of each lower item with each upper one of its group: lower <= (1 - share) x upper."""
    lower, upper = set(indices.tolist()), set(items.chosen(rule.under).tolist())
    found = []
    for group in items.groups(np.array(sorted(lower | upper), dtype=np.int64), rule.within):
        pairs = [(low, high) for low in group if low in lower for high in group if high in upper and high != low]
        found += [Clause(number, pair, (1.0, rule.at_least_below - 1.0), 0.0) for pair in pairs]
    return found


def _packs(number: int, rule: Pack, items: Items, indices: NDArray[np.int64]) -> list[Clause]:
    """Neighbours by size in each group: price / size of the larger <= that of the smaller."""
    sizes = {i: size for i in indices.tolist() if (size := read_size(str(items.words["size"][i])))}
    found = []
    for group in items.groups(np.array(sorted(sizes), dtype=np.int64), rule.within):
        for unit in sorted({sizes[i].unit for i in group}):
            found += _chain(number, [(sizes[i].amount, i) for i in group if sizes[i].unit == unit])
    return found


def _chain(number: int, sized: Sequence[tuple[float, int]]) -> list[Clause]:
    """Each size against the next smaller one; packs of one size are not compared."""
    levels: dict[float, list[int]] = {}
    for amount, index in sized:
        levels.setdefault(amount, []).append(index)
    found = []
    for small, large in pairwise(sorted(levels)):
        ratio = large / small
        pairs = [(high, low) for low in levels[small] for high in levels[large]]
        found += [Clause(number, pair, (1.0, -ratio), 0.0) for pair in pairs]
    return found


@dataclass(frozen=True)
class Options:
    """What an item may cost, and what each price is worth, (c,) each; current: what it costs today."""

    prices: Floats
    worth: Floats
    current: float


def best_choice(options: Mapping[int, Options], clauses: Iterable[Clause]) -> dict[int, float] | None:
    """One price per item with the highest total worth that meets all clauses; None where no choice meets them.

    Clauses name items of `options` only.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import coo_matrix

    starts, width = {}, 0
    for item, option in options.items():
        starts[item], width = width, width + len(option.prices)
    if any(not len(option.prices) for option in options.values()):
        return None
    rows, columns, values, lowest, highest = _system(options, list(clauses), starts)
    matrix = coo_matrix((values, (rows, columns)), shape=(len(lowest), width)).tocsr()
    worth = np.concatenate([option.worth for option in options.values()])
    scale = max(float(np.abs(worth).max(initial=0.0)), 1e-12)
    solved = milp(
        -worth / scale,
        constraints=LinearConstraint(matrix, lowest, highest),
        integrality=np.ones(width),
        bounds=Bounds(0, 1),
        options={"time_limit": SECONDS, "mip_rel_gap": GAP},
    )
    if solved.x is None:
        return None
    chosen = {
        item: float(option.prices[solved.x[starts[item] : starts[item] + len(option.prices)].argmax()])
        for item, option in options.items()
    }
    current = {item: option.current for item, option in options.items()}
    return chosen if all(clause.met(chosen, current) for clause in clauses) else None


def _system(
    options: Mapping[int, Options], clauses: Sequence[Clause], starts: Mapping[int, int]
) -> tuple[list[int], list[int], list[float], list[float], list[float]]:
    """Rows, columns and values of the constraints, and their ends: one price per item, then the clauses."""
    rows, columns, values = [], [], []
    lowest, highest = [1.0] * len(options), [1.0] * len(options)
    for row, (item, option) in enumerate(options.items()):
        for choice in range(len(option.prices)):
            rows.append(row)
            columns.append(starts[item] + choice)
            values.append(1.0)
    for clause in clauses:
        row = len(lowest)
        lowest.append(clause.lowest)
        highest.append(clause.highest)
        for item, weight in zip(clause.items, clause.weights, strict=True):
            option = options[item]
            amounts = (np.abs(option.prices - option.current) > CLOSE) if clause.counts else option.prices
            rows += [row] * len(amounts)
            columns += range(starts[item], starts[item] + len(amounts))
            values += (weight * amounts).tolist()
    return rows, columns, values, lowest, highest


def blocks_of(count: int, groups: Iterable[Sequence[int]]) -> list[list[int]]:
    """Indices 0 to count - 1 in blocks such that no group is in two of them."""
    head = list(range(count))

    def root(index: int) -> int:
        while head[index] != index:
            head[index] = index = head[head[index]]
        return index

    for group in groups:
        for index in group:
            head[root(index)] = root(group[0])
    found: dict[int, list[int]] = {}
    for index in range(count):
        found.setdefault(root(index), []).append(index)
    return list(found.values())
