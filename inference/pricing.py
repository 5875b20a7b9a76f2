"""Answers one query about one SKU: the recommendation, its interval and its curve."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.catalog import Catalog, Product
from inference.models import Interval, Model, Units, checked
from inference.query import Complaint, InvalidQuery, Query
from pricewright.core.decision import Decision, Recommendation, Terms, mean_over_draws, price_grid, recommend
from pricewright.core.errors import ModelError
from pricewright.core.plan import Alone, reason, recommend_alone

DRAWS, SEED = 128, 1
TINY = 1e-9
NEEDED = (
    "optimal_price", "expected_units", "expected_sales", "current_expected_sales", "sales_uplift",
    "elasticity", "elasticity_low", "elasticity_high",
)  # fmt: skip
Floats = NDArray[np.float64]
WHOLE = ("quantity_min", "quantity_max")  # an interval of units is one of whole units
ROUNDED = 4  # digits behind the point of what is drawn; what is decided keeps all of them


def as_planned(catalog: Catalog, product: Product, row: Mapping[str, Any]) -> Recommendation:
    """The SKU's row of the plan, as Catalog.numbers gives it. Raises ModelError when it has no numbers."""
    terms = catalog.terms
    numbers = {name: row[name] for name in NEEDED}
    if any(value is None for value in numbers.values()):
        raise ModelError(f"the plan has {numbers} for SKU {product.stock_code}: finite numbers are needed.")
    price, chance = numbers["optimal_price"], row["uplift_probability"]
    uncosted = terms.objective == "profit" and product.unit_cost is None
    offered = catalog.families.offered(product.catalog_index, terms)
    rules = catalog.families.rules
    why = reason(
        offered, price, chance or 0.0, product.family, terms.objective, terms.minimum_probability,
        uncosted=uncosted, rules=rules.binding(product.catalog_index) if rules else "",
    )  # fmt: skip
    moved = abs(price - product.current_price) > TINY
    decision = Decision._make([*(numbers[name] for name in NEEDED[:5]), chance, why, moved])
    return Recommendation(decision, *(numbers[name] for name in NEEDED[5:]))


def decides_in_family(catalog: Catalog, product: Product) -> bool:
    """Whether a curve of its own does not decide: the SKU competes with others, or too little is known about it."""
    return bool(product.family) or catalog.families.offered(product.catalog_index, catalog.terms).fixed


def in_family(
    catalog: Catalog, product: Product, terms: Terms, cost: float | None, low: float, high: float
) -> Recommendation:
    """The price in [low, high] with which the SKU's family earns most, the others at current prices."""
    families = catalog.families
    members = families.members(product.catalog_index)
    position = int(np.searchsorted(members, product.catalog_index))
    offers = [families.offered(int(member), terms) for member in members]
    paid = cost if terms.objective == "profit" and cost is not None else 0.0
    offers[position] = families.offered(product.catalog_index, terms, low, high)._replace(cost=paid)
    found = recommend_alone(families.posterior(members), offers, position, DRAWS, SEED, terms.minimum_probability)
    probability = terms.minimum_probability
    why = reason(offers[position], found.price, found.probability, product.family, terms.objective, probability)
    return Recommendation(_decision(found, product, why), *found.elasticity)


def _decision(found: Alone, product: Product, why: str) -> Decision:
    moved = abs(found.price - product.current_price) > TINY
    units, now = float(found.units.mean()), product.current_price * product.net * float(found.units_now.mean())
    sales = found.price * product.net * units
    uplift = sales / now - 1 if now > 0 else 0.0
    if not np.isfinite([units, sales, now, uplift, *found.elasticity]).all():
        raise ModelError(f"expected units {units:g} and sales {sales:g}: finite numbers are needed.")
    return Decision(found.price, units, sales, now, uplift, found.probability if moved else 0.0, why, moved)


class Asked:
    """Asks the model once for what the decision needs and what the curve shows; keeps both for the interval."""

    def __init__(self, model: Model, product: Product, grid: Floats) -> None:
        self._model = model
        self._product = product
        self._grid = grid
        self._points = model.points(grid) if len(grid) else grid
        self._prices: Floats = grid
        self._units: Units = grid

    def units_at(self, prices: Floats) -> Units:
        """Units at n prices per draw, (n, S). Raises ModelError when they cannot be true."""
        asked = np.concatenate([self._points, prices])
        units = checked(asked, self._model.units(self._product, asked))
        count = len(self._points)
        self._prices, self._units, self._drawn = prices, units[count:], units[:count]
        return self._units

    def curve_interval(self, price: float, mean: float | None = None) -> Interval:
        """Mean and 90 % interval over the grid, and last at one of the prices that were asked for.

        mean: what is expected there, if not what the model says: a plan moves the others of a family too.
        """
        nearest = int(np.abs(self._prices - price).argmin())
        last = self._units[nearest : nearest + 1]
        if mean is not None:
            last = last * (mean / max(float(mean_over_draws(last)[0]), TINY))
        units = np.concatenate([self._drawn, last.astype(self._units.dtype)])
        return self._model.curve_interval(self._product, self._grid, price, units)


def price_with(
    model: Model, product: Product, query: Query, catalog: Catalog, *, planned: bool = False, curve: bool = True
) -> dict[str, Any]:
    """The recommendation in the words of the price list, and the curve if it is wanted.

    planned: the release's plan decides, and where the query asks for something else, what is best for the family.
    Raises InvalidQuery when the query cannot be met for this SKU, ModelError when the model's units cannot be true.
    """
    terms, cost, note = _terms(product, query, catalog.terms)
    low, high = _range(product, query)
    grid = _grid(low, high, terms.bins) if curve else np.empty(0)
    asked = Asked(model, product, grid)
    within = _candidates(product, low, high)
    row: Mapping[str, Any] = {}
    if planned and _asks_nothing_else(catalog, product, terms, cost, within):
        row, note = catalog.numbers(product.catalog_index), ""
        found = as_planned(catalog, product, row)
    elif planned and decides_in_family(catalog, product):
        together = terms._replace(objective="profit") if note else terms  # of the others, costs may be known
        found = in_family(catalog, product, together, cost, *within)
    else:
        planned = False
        found = _alone(catalog, asked, product, within, terms, cost)
    price, posterior = found.decision.optimal_price, found.decision.uplift_probability is not None
    if planned:
        asked.units_at(np.array([price]))
    means, lowest, highest = asked.curve_interval(price, found.decision.expected_units if planned else None)
    answer = {
        "stock_code": product.stock_code,
        "store": product.store,
        "description": product.description,
        "objective": terms.objective,
        "unit_cost": cost,
        "current_price": product.current_price,
        "guardrail_low": product.low,
        "guardrail_high": product.high,
        **found.decision._asdict(),
        "expected_units_low": float(lowest[-1]),
        "expected_units_high": float(highest[-1]),
        "elasticity": found.elasticity,
        "elasticity_low": found.elasticity_low if posterior else None,
        "elasticity_high": found.elasticity_high if posterior else None,
        "reason": found.decision.reason + note + _not_judged(catalog, product, planned=bool(row)),
        "family": product.family,
        "promised_low": row.get("promised_low"),
        "promised_high": row.get("promised_high"),
        **priced_for_tax(product, price),
        **_profit(product, found.decision, cost, row),
        "unitprice_min": low,
        "unitprice_max": high,
    }
    if not curve:
        return answer
    answer["curve"] = _curve(grid, means[:-1], lowest[:-1], highest[:-1], cost, product.net)
    return answer


def priced_for_tax(product: Product, price: float) -> dict[str, float | None]:
    """The rate of tax, and a price without it and with it; None where the rate is not known."""
    rate = product.tax_rate
    if rate is None:
        return {"tax_rate": None, "price_without_tax": None, "price_with_tax": None}
    net = price * product.net
    return {"tax_rate": rate, "price_without_tax": net, "price_with_tax": net * (1 + rate)}


def _profit(
    product: Product, decision: Decision, cost: float | None, row: Mapping[str, Any]
) -> dict[str, float | None]:
    """Profit of a week now and at the optimal price, as the plan has it where that decided; None without a cost."""
    if cost is None:
        return {"profit_now": None, "profit": None}
    if row and cost == product.unit_cost:
        return {name: row.get(name) for name in ("profit_now", "profit")}
    units_now = decision.current_expected_sales / (product.current_price * product.net)
    now = decision.current_expected_sales - cost * units_now
    return {"profit_now": now, "profit": decision.expected_sales - cost * decision.expected_units}


def _alone(
    catalog: Catalog, asked: Asked, product: Product, within: tuple[float, float], terms: Terms, cost: float | None
) -> Recommendation:
    """The best price of the product by the model's own curve, within its limits also where no move gains.

    Costs go with tax into the comparison of prices with tax, which orders them as it would without; sales come without.
    """
    cost = cost if cost is None else cost / product.net
    terms = catalog.families.rules.terms(product.catalog_index, terms) if catalog.families.rules else terms
    found = _without_tax(recommend(asked.units_at, product.current_price, *within, terms, cost), product.net)
    if found.decision.moved or product.low - TINY <= product.current_price <= product.high + TINY:
        return found
    kept = min(max(product.current_price, product.low), product.high)
    units = mean_over_draws(asked.units_at(np.array([kept, product.current_price])))
    sales, now = (
        price * product.net * float(own) for price, own in zip((kept, product.current_price), units, strict=True)
    )
    why = f"{'raise' if kept > product.current_price else 'lower'} to a hard limit of the product"
    uplift = sales / now - 1 if now > 0 else 0.0
    chance = found.decision.uplift_probability
    return found._replace(decision=Decision(kept, float(units[0]), sales, now, uplift, chance, why, True))


def _without_tax(found: Recommendation, net: float) -> Recommendation:
    if net == 1.0:
        return found
    decision = found.decision
    sales = {name: net * getattr(decision, name) for name in ("expected_sales", "current_expected_sales")}
    return found._replace(decision=decision._replace(**sales))


def _not_judged(catalog: Catalog, product: Product, *, planned: bool) -> str:
    rules = catalog.families.rules
    return rules.not_judged(product.catalog_index) if rules and not planned else ""


def _grid(low: float, high: float, bins: int) -> Floats:
    return price_grid(low, high, bins) if low < high else np.array([low])


def _curve(
    prices: Floats, mean: Floats, lowest: Floats, highest: Floats, cost: float | None, net: float
) -> dict[str, list[float]]:
    """One value per price of the grid in each list; sales and profit are without tax, of which `net` is left."""
    columns = {
        "unit_price": prices,
        "quantity": mean,
        "quantity_min": lowest,
        "quantity_max": highest,
        "predicted_sales": prices * net * mean,
    }
    if cost is not None:
        columns["predicted_profit"] = (prices * net - cost) * mean
    drawn: dict[str, list[float]] = {}
    for name, values in columns.items():
        drawn[name] = values.astype(np.int64).tolist() if name in WHOLE else values.round(ROUNDED).tolist()
    return drawn


def _terms(product: Product, query: Query, terms: Terms) -> tuple[Terms, float | None, str]:
    """Terms, unit cost and a note: as the price list, sales are the objective where no unit cost is known."""
    cost = product.unit_cost if query.unit_cost is None else query.unit_cost
    bins = terms.bins if query.num_price_bins is None else query.num_price_bins
    objective = query.objective or terms.objective
    if objective == "profit" and cost is None:
        if query.objective:
            rule = f"it needs a unit_cost, and none is known for SKU {product.stock_code}."
            raise InvalidQuery(
                [Complaint("objective", "'profit'", rule)], "give unit_cost, or ask for objective=sales."
            )
        return terms._replace(bins=bins, objective="sales"), None, " (no unit cost known)"
    return terms._replace(bins=bins, objective=objective), cost, ""


def _asks_nothing_else(
    catalog: Catalog, product: Product, terms: Terms, cost: float | None, within: tuple[float, float]
) -> bool:
    """Whether what decides is what the release decided with."""
    usual, known, _ = _terms(product, Query(), catalog.terms)
    same_cost = terms.objective == "sales" or cost == known
    return terms.objective == usual.objective and same_cost and within == (product.low, product.high)


def _range(product: Product, query: Query) -> tuple[float, float]:
    """The range of the curve: what is asked for, the guardrail where nothing is."""
    low = product.low if query.unitprice_min is None else query.unitprice_min
    high = product.high if query.unitprice_max is None else query.unitprice_max
    outside = "unitprice_min" if low > product.high else "unitprice_max" if high < product.low else ""
    if outside:
        rule = f"prices of SKU {product.stock_code} are recommended from {product.low:.4g} to {product.high:.4g} only."
        complaint = Complaint(outside, f"{low if outside == 'unitprice_min' else high:g}", rule)
        raise InvalidQuery([complaint], "ask for a range that overlaps the guardrail.")
    return low, high


def _candidates(product: Product, low: float, high: float) -> tuple[float, float]:
    return max(low, product.low), min(high, product.high)
