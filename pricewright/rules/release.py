"""What a release keeps of the rules, so that a single price asked of the API keeps to those of one item."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pricewright.core.content import RULES
from pricewright.core.substitution import Posterior
from pricewright.price_list import products_of, terms_of
from pricewright.profit import hard_limits, net_shares
from pricewright.rules.items import Items
from pricewright.rules.joint import Shop
from pricewright.rules.limits import CENT, Limits, Unmet
from pricewright.rules.plan import Ruled, decide, plan_under_rules

Floats = NDArray[np.float64]


def plan_with_rules(
    posterior: Posterior, catalog: pl.DataFrame, informed: Floats, draws: int, seed: int, params: Mapping[str, Any],
    rules: Sequence[Any], items: Items,
) -> Ruled:  # fmt: skip
    """As price_list.plan_prices, under rules; items: those of the catalog, in its order."""
    shop = _shop(posterior, catalog, informed, draws, seed, params, items)
    ruled = plan_under_rules(shop, rules)
    unknown: dict[str, list[str]] = {}
    for rule, column, name in items.unknown(rules):
        unknown.setdefault(rule, []).append(f"{column} {name}")
    return ruled._replace(table=[{**row, "unknown": unknown.get(row["rule"], [])} for row in ruled.table])


def _shop(
    posterior: Posterior, catalog: pl.DataFrame, informed: Floats, draws: int, seed: int, params: Mapping[str, Any],
    items: Items,
) -> Shop:  # fmt: skip
    products = products_of(catalog, informed, params)
    usual = tuple(terms_of(params).endings)
    starts = [
        Limits(product.current, floor or CENT, ceiling, usual=usual)
        for product, (floor, ceiling) in zip(products, hard_limits(catalog, params), strict=True)
    ]
    items = replace(items, net=net_shares(catalog, params))
    return Shop(posterior, products, items, starts, draws, seed, float(params["minimum_probability"]))


def contradictions(rules: Sequence[Any], items: Items, catalog: pl.DataFrame, params: Mapping[str, Any]) -> list[Unmet]:
    """What cannot be met, whatever demand is: found with a demand of which every item sells the same."""
    count = catalog.height
    current = catalog["current_price"].cast(pl.Float64).to_numpy()
    known = Posterior(
        np.ones(count), current, np.zeros((count, 2)), np.zeros((count, 3)), np.zeros((count, 2, 1)),
        np.arange(count), np.zeros((count, 3)),
    )  # fmt: skip
    return decide(_shop(known, catalog, np.zeros(count), 2, 1, params, items), rules).unmet


def rule_arrays(ruled: Ruled) -> dict[str, NDArray[Any]]:
    """The arrays of RULES, a row per item: endings of a new price (nan where no rule names more), smallest step (a
    share), names of the rules that bind, and of those that only a whole plan can keep to."""
    endings = [limits.endings or () for limits in ruled.limits]
    width = max(map(len, endings))
    padded = [[*own, *[float("nan")] * (width - len(own))] for own in endings]
    values = (
        np.array(padded, dtype=np.float64).reshape(len(endings), width),
        np.array([limits.step for limits in ruled.limits]),
        np.array([", ".join(names) for names in ruled.binding], dtype=np.str_),
        np.array([", ".join(names) for names in ruled.between], dtype=np.str_),
    )
    return dict(zip(RULES, values, strict=True))
