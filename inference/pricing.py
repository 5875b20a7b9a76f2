"""The answer to one query about one SKU: recommendation, interval and curve, from whichever model is asked."""

from dataclasses import asdict, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from demand.decision import price_grid
from demand.recommendation import Terms, recommend
from inference.catalog import Product
from inference.models import Model, checked
from inference.query import Complaint, InvalidQuery, Query

Floats = NDArray[np.float64]
ROUNDED = 6  # digits behind the point of what is drawn; what is decided keeps all of them


def price_with(model: Model, product: Product, query: Query, terms: Terms, *, curve: bool = True) -> dict[str, Any]:
    """The recommendation in the words of the price list, and the curve if it is wanted.

    Raises InvalidQuery when the query cannot be met for this SKU, ModelError when the model's units cannot be true.
    """
    terms, cost, note = _terms(product, query, terms)
    low, high = _range(product, query)

    seen: list[tuple[Floats, Floats]] = []

    def units_at(prices: Floats) -> Floats:
        units = checked(prices, model.units(product, prices))
        seen.append((prices, units))
        return units

    found = recommend(units_at, product.current_price, *_candidates(product, low, high), terms, cost)
    decided = asdict(found.decision)
    posterior = decided["uplift_probability"] is not None
    answer = {
        "stock_code": product.stock_code,
        "description": product.description,
        "objective": terms.objective,
        "unit_cost": cost,
        "current_price": product.current_price,
        "guardrail_low": product.low,
        "guardrail_high": product.high,
        **decided,
        "elasticity": found.elasticity,
        "elasticity_low": found.elasticity_low if posterior else None,
        "elasticity_high": found.elasticity_high if posterior else None,
        "reason": found.decision.reason + note,
        "unitprice_min": low,
        "unitprice_max": high,
    }
    answer |= _interval(model, product, found.decision.optimal_price, *seen[-1])
    return answer | {"curve": _curve(model, product, low, high, terms, cost)} if curve else answer


def _interval(model: Model, product: Product, price: float, prices: Floats, units: Floats) -> dict[str, float]:
    """The 90 % interval of one week's units at a price that the units were already asked for."""
    place = int(np.argmin(np.abs(prices - price)))
    _, low, high = model.interval(product, prices[place : place + 1], units[place : place + 1])
    return {"expected_units_low": float(low[0]), "expected_units_high": float(high[0])}


def _curve(
    model: Model, product: Product, low: float, high: float, terms: Terms, cost: float | None
) -> dict[str, list[float]]:
    """One value per price of the grid in each list."""
    prices = price_grid(low, high, terms.bins) if low < high else np.array([low])
    units = checked(prices, model.units(product, prices))
    mean, lowest, highest = model.interval(product, prices, units)
    columns = {
        "unit_price": prices,
        "quantity": mean,
        "quantity_min": lowest,
        "quantity_max": highest,
        "predicted_sales": prices * mean,
    }
    if terms.objective == "profit" and cost is not None:
        columns["predicted_profit"] = (prices - cost) * mean
    return {name: np.round(column, ROUNDED).tolist() for name, column in columns.items()}


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
        return replace(terms, bins=bins, objective="sales"), None, " (no unit cost known)"
    return replace(terms, bins=bins, objective=objective), cost, ""


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
