"""The table a merchandiser downloads: one row per SKU, with the price to set and why."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from demand.network.session import NetworkSession
from demand.recommendation import Terms, bounds, recommend

COLUMNS = (
    "stock_code", "description", "current_price", "optimal_price", "guardrail_low", "guardrail_high",
    "expected_units", "expected_sales", "current_expected_sales", "sales_uplift", "uplift_probability",
    "elasticity", "elasticity_low", "elasticity_high", "model", "reason",
)  # fmt: skip


def terms_of(params: Mapping[str, Any]) -> Terms:
    """The `price` parameters as the terms of a recommendation."""
    return Terms(
        bins=int(params["bins"]),
        objective=params["objective"],
        minimum_probability=float(params["minimum_probability"]),
        endings=tuple(float(ending) for ending in params["endings"]),
    )


def price_list(
    session: NetworkSession,
    catalog: pl.DataFrame,
    features: NDArray[np.float32],
    effects: NDArray[np.float32],
    params: Mapping[str, Any],
) -> pl.DataFrame:
    """The price list of the network; catalog rows, features (n, k) and effects (n, e) are in the same order.

    catalog: as the feature stage makes it, with anchor_price, the price through which the SKU's curve goes.
    A SKU without a known unit cost is priced for sales when the objective is profit, and its reason says so.
    """
    rows = [_row(session, sku, features[i], effects[i], params) for i, sku in enumerate(catalog.iter_rows(named=True))]
    return pl.DataFrame(rows, schema_overrides={"description": pl.String}, infer_schema_length=None).select(COLUMNS)


def _row(
    session: NetworkSession,
    sku: dict[str, Any],
    features: NDArray[np.float32],
    effects: NDArray[np.float32],
    params: Mapping[str, Any],
) -> dict[str, Any]:
    current, reference = float(sku["current_price"]), float(sku["reference_price"])
    widen, factor = float(params["guardrail_widen"]), float(params["guardrail_factor"])
    low, high = bounds(float(sku["price_min"]), float(sku["price_max"]), current, reference, widen, factor)
    cost, terms, note = sku["unit_cost"], terms_of(params), ""
    if terms.objective == "profit" and cost is None:
        terms, note = Terms(terms.bins, "sales", terms.minimum_probability, terms.endings), " (no unit cost known)"
    found = recommend(session.units_at(features, effects, float(sku["anchor_price"])), current, low, high, terms, cost)
    decision = found.decision
    return {
        "stock_code": sku["stock_code"],
        "description": sku["description"],
        "current_price": current,
        "optimal_price": decision.optimal_price,
        "guardrail_low": low,
        "guardrail_high": high,
        "expected_units": decision.expected_units,
        "expected_sales": decision.expected_sales,
        "current_expected_sales": decision.current_expected_sales,
        "sales_uplift": decision.sales_uplift,
        "uplift_probability": decision.uplift_probability,
        "elasticity": found.elasticity,
        "elasticity_low": found.elasticity_low,
        "elasticity_high": found.elasticity_high,
        "model": "network",
        "reason": decision.reason + note,
    }
