"""What the release's plan says about a SKU, and what its family would earn most with when something else is asked."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from inference.catalog import Catalog, Product
from pricewright.core.decision import Decision
from pricewright.core.errors import ModelError
from pricewright.core.plan import Alone, recommend_alone
from pricewright.core.reason import reason
from pricewright.core.recommendation import Recommendation, Terms

DRAWS, SEED = 128, 1
TINY = 1e-9


def as_planned(catalog: Catalog, product: Product, row: Mapping[str, Any]) -> Recommendation:
    """The SKU's row of the plan, as Catalog.numbers gives it. Raises ModelError when it has no numbers."""
    terms = catalog.terms
    numbers = {name: row[name] for name in NEEDED}
    if any(value is None for value in numbers.values()):
        raise ModelError(f"the plan has {numbers} for SKU {product.stock_code}: finite numbers are needed.")
    price, chance = numbers["optimal_price"], row["uplift_probability"]
    uncosted = terms.objective == "profit" and product.unit_cost is None
    offered = catalog.families.offered(product.place, terms)
    why = reason(
        offered, price, chance or 0.0, product.family, terms.objective, terms.minimum_probability, uncosted=uncosted
    )
    moved = abs(price - product.current_price) > TINY
    decision = Decision._make([*(numbers[name] for name in NEEDED[:5]), chance, why, moved])
    return Recommendation(decision, *(numbers[name] for name in NEEDED[5:]))


def decides_in_family(catalog: Catalog, product: Product) -> bool:
    """Whether a curve of its own does not decide: the SKU competes with others, or too little is known about it."""
    return bool(product.family) or catalog.families.offered(product.place, catalog.terms).fixed


def in_family(
    catalog: Catalog, product: Product, terms: Terms, cost: float | None, low: float, high: float
) -> Recommendation:
    """The price in [low, high] with which the SKU's family earns most, the others at current prices."""
    families = catalog.families
    members = families.members(product.place)
    place = int(np.searchsorted(members, product.place))
    offers = [families.offered(int(member), terms) for member in members]
    paid = cost if terms.objective == "profit" and cost is not None else 0.0
    offers[place] = families.offered(product.place, terms, low, high)._replace(cost=paid)
    found = recommend_alone(families.posterior(members), offers, place, DRAWS, SEED, terms.minimum_probability)
    probability = terms.minimum_probability
    why = reason(offers[place], found.price, found.probability, product.family, terms.objective, probability)
    return Recommendation(_decision(found, product.current_price, why), *found.elasticity)


NEEDED = (
    "optimal_price", "expected_units", "expected_sales", "current_expected_sales", "sales_uplift",
    "elasticity", "elasticity_low", "elasticity_high",
)  # fmt: skip


def _decision(found: Alone, current: float, why: str) -> Decision:
    moved = abs(found.price - current) > TINY
    units, now = float(found.units.mean()), current * float(found.units_now.mean())
    sales = found.price * units
    uplift = sales / now - 1 if now > 0 else 0.0
    if not np.isfinite([units, sales, now, uplift, *found.elasticity]).all():
        raise ModelError(f"expected units {units:g} and sales {sales:g}: finite numbers are needed.")
    return Decision(found.price, units, sales, now, uplift, found.probability if moved else 0.0, why, moved)
