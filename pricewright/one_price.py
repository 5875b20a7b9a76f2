"""What prices by zone are worth: the plan of a chain against the best plan with one price per SKU in all zones.

Both are chosen on one set of posterior draws and promised on another, as in pricewright/core/plan.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pricewright.core.decision import CANDIDATES, SHARES
from pricewright.core.plan import TINY, Plan, Product, values_at, worth_of
from pricewright.core.substitution import Demand, Draws, Posterior, Whole
from pricewright.rules.between import blocks_of

Floats = NDArray[np.float64]
ROUNDS = 3  # of coordinate ascent over the SKUs of a group
LABEL = 0.01  # the step between prices that can stand on a label


@dataclass(frozen=True)
class Group:
    """Families that hold the same SKUs in several zones. families: indices of their items; skus: per SKU the families
    it is in and its row in each."""

    families: list[Whole]
    skus: list[list[tuple[int, int]]]


class OnePrice(NamedTuple):
    """The best prices (n,) that are the same for all items of a code, and what they bring a week on the draws that
    promise, (S,): sales, and the profit of the items whose cost is known."""

    prices: Floats
    sales: Floats
    profit: Floats


def one_price(
    posterior: Posterior, products: Sequence[Product], codes: Sequence[str], draws: int, seed: int, probability: float,
    unit_cost: Floats | None = None,
) -> OnePrice:  # fmt: skip
    """Choose one price per code. posterior, products, codes and unit_cost (n,), nan where it is not known, are in the
    same order; probability: with which a SKU's move has to gain."""
    chooses, promises = (Draws(draws, posterior.shared.shape[2], seed + k) for k in (0, 1))
    prices, net = (np.array(column) for column in zip(*((one.kept, one.net) for one in products), strict=True))
    cost = np.full(len(products), np.nan) if unit_cost is None else unit_cost
    sales, profit = np.zeros(draws), np.zeros(draws)
    for group in groups_of(posterior.families(), codes):
        offered = [[products[i] for i in members] for members in group.families]
        chosen = _choose(group, [chooses.of(posterior[members]) for members in group.families], offered, probability)
        for members, own in zip(group.families, chosen, strict=True):
            prices[members] = own
            units, left = promises.of(posterior[members]).units(own), own * net[members]
            sales += left @ units
            profit += np.nan_to_num(left - cost[members]) @ units
    return OnePrice(prices, sales, profit)


def groups_of(families: Sequence[Whole], codes: Sequence[str]) -> list[Group]:
    """The families in groups that share no SKU."""
    holders: dict[str, list[int]] = {}
    for number, members in enumerate(families):
        for item in members:
            holders.setdefault(codes[item], []).append(number)
    together = ([families[number] for number in block] for block in blocks_of(len(families), holders.values()))
    return [Group(found, _skus(found, codes)) for found in together]


def _skus(families: Sequence[Whole], codes: Sequence[str]) -> list[list[tuple[int, int]]]:
    found: dict[str, list[tuple[int, int]]] = {}
    for number, members in enumerate(families):
        for row, item in enumerate(members):
            found.setdefault(codes[item], []).append((number, row))
    return list(found.values())


def _choose(
    group: Group, demands: Sequence[Demand], offered: Sequence[Sequence[Product]], probability: float
) -> list[Floats]:
    """The prices of each family, by coordinate ascent from one price per SKU between those of today."""
    prices = [np.array([product.kept for product in family]) for family in offered]
    tried = []
    for sku in group.skus:
        weights = [float(demands[family].level[row]) for family, row in sku]
        labels, start = _candidates([offered[family][row] for family, row in sku], weights)
        tried.append(labels)
        for family, row in sku:
            prices[family][row] = start
    for _ in range(ROUNDS):
        before = [each.copy() for each in prices]
        for sku, labels in zip(group.skus, tried, strict=True):
            _move(sku, labels, demands, offered, prices, probability)
        if all(map(np.array_equal, before, prices)):
            break
    return prices


def _candidates(products: Sequence[Product], weights: Sequence[float]) -> tuple[Floats, float]:
    """Labels that may be asked for in all zones, and the one nearest to today's mean price by units.

    Where the guardrails of the zones share no price, one between them; a SKU is fixed where it is in all zones.
    """
    ends = max(product.low for product in products), min(product.high for product in products)
    low, high = min(ends), max(ends)
    mean = np.average([product.kept for product in products], weights=np.maximum(weights, TINY))
    start = float(np.clip(np.round(mean / LABEL) * LABEL, low, high))
    if all(product.fixed for product in products):
        return np.array([start]), start
    labels = np.unique(np.concatenate([product.candidates for product in products]))
    labels = labels[(labels >= low) & (labels <= high)]
    if len(labels) > CANDIDATES:
        labels = labels[np.linspace(0, len(labels) - 1, CANDIDATES).round().astype(int)]
    return labels, start


def _move(
    sku: Sequence[tuple[int, int]], labels: Floats, demands: Sequence[Demand], offered: Sequence[Sequence[Product]],
    prices: Sequence[Floats], probability: float,
) -> None:  # fmt: skip
    """Give a SKU the label that is worth most over all its zones, if it probably gains."""
    family, row = sku[0]
    tried = np.append(labels, prices[family][row])
    values = np.sum([values_at(demands[f], offered[f], prices[f], j, tried) for f, j in sku], axis=0)
    gains = values - values[-1]
    worth = worth_of(gains)
    admitted = ((gains > 0).mean(axis=1) >= probability) & (worth > abs(float(values[-1].mean())) * TINY)
    if admitted.any():
        best = float(tried[np.where(admitted, worth, -np.inf).argmax()])
        for f, j in sku:
            prices[f][j] = best


def zones_summary(plan: Plan, same: OnePrice, trust: float, unit_cost: Floats | None = None) -> dict[str, float | None]:
    """What plan.json says of it: weekly sales and profit with one price per SKU, and what the plan by zone brings over
    that, with its 90 % interval: sales as a share, profit as an amount, None where no cost is known.

    trust: as in pricewright/price_list.py; unit_cost: as in one_price.
    """
    now, by_zone = plan.sales_now.sum(axis=0), plan.sales.sum(axis=0)
    sales = (1 - trust) * now + trust * same.sales
    gain = trust * (by_zone - same.sales) / np.maximum(sales, TINY)
    found: dict[str, float | None] = {
        "one_price_sales": float(sales.mean()),
        **_interval("zones_gain", gain),
        "zones_probability": float((by_zone > same.sales).mean()),
    }
    if unit_cost is None or not np.isfinite(unit_cost).any():
        return found | dict.fromkeys(("one_price_profit", "zones_profit", "zones_profit_low", "zones_profit_high"))
    before, after = (total.sum(axis=0) for total in plan.profit(unit_cost))
    profit = float(((1 - trust) * before + trust * same.profit).mean())
    return found | {"one_price_profit": profit, **_interval("zones_profit", trust * (after - same.profit))}


def _interval(name: str, draws: Floats) -> dict[str, float | None]:
    low, high = np.quantile(draws, SHARES)
    return {name: float(draws.mean()), f"{name}_low": float(low), f"{name}_high": float(high)}
