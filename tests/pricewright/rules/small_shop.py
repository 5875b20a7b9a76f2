"""Shops of a few items with known demand, and rules written as a file has them."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np

from pricewright.core.decision import candidate_prices
from pricewright.core.plan import Product
from pricewright.core.substitution import Posterior
from pricewright.rules.file import RulesFile
from pricewright.rules.items import Items
from pricewright.rules.joint import Shop
from pricewright.rules.limits import Limits

WEEK = date(2026, 1, 5)
NAN = float("nan")


def posterior(slopes: Sequence[float], families: Sequence[int] | None = None, base_price: float = 4.0) -> Posterior:
    """Items that sell 20 a week at 4; slopes of log units on log price, all but known."""
    count = len(slopes)
    return Posterior(
        level=np.full(count, 20.0),
        base_price=np.full(count, base_price),
        curve=np.column_stack([np.log(np.expm1(np.array(slopes))), np.full(count, 0.5)]),
        own=np.tile([0.02, 0.0, 0.01], (count, 1)),
        shared=np.zeros((count, 2, 1)),
        family=np.array(families if families is not None else range(count), dtype=np.int64),
        keeps=np.tile([0.5, 0.01, 0.0], (count, 1)),
    )


def items(count: int, **columns: Sequence[Any]) -> Items:
    """Items a, b, c, ...; columns: words or numbers of Items, by name."""
    keys = tuple("abcdefghij"[:count])
    words = {
        name: np.array(columns.get(name, [""] * count), dtype=np.str_) for name in ("category", "brand", "zone", "size")
    }
    words["sku"] = np.array(columns.get("sku", keys), dtype=np.str_)
    numbers = (
        np.array(columns.get(name, [NAN] * count), dtype=float)
        for name in ("unit_cost", "competitor_price", "weeks_since")
    )
    return Items(keys, words, *numbers, columns.get("week", WEEK))


def shop(known: Items, slopes: Sequence[float], families: Sequence[int] | None = None, **how: Any) -> Shop:
    """current: prices of today, 4 each; most: candidates of an item; low, high: the guardrail."""
    count = len(known)
    current = how.get("current", [4.0] * count)
    low, high, most = how.get("low", 2.0), how.get("high", 6.0), how.get("most", 200)
    labels = candidate_prices(low, high, most)
    products = [Product(float(now), low, high, labels, 0.0, False, float(now)) for now in current]
    return Shop(posterior(slopes, families), products, known, [Limits(float(now)) for now in current], 32, 1, 0.7)


def rules(*given: dict[str, Any]) -> tuple[Any, ...]:
    """Rules as the file has them; a name is made of number and kind where none is given."""
    named = [{"name": f"{i} {rule['kind']}"} | rule for i, rule in enumerate(given)]
    return RulesFile.model_validate({"rules": named}).rules
