"""Profit and tax: what tax and cost leave of a price, the limits that a margin sets, and the profit of a plan.

Unit costs are without tax. Where the rate of tax is known, sales are without it as well, whatever the label says.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pricewright.core.decision import SHARES
from pricewright.core.errors import ParameterError
from pricewright.core.plan import Plan

Floats = NDArray[np.float64]
# Columns of a price list; null where the rate of tax or the unit cost is not known. Older releases have none of them.
EARNED = ("unit_cost", "tax_rate", "price_without_tax", "price_with_tax", "profit_now", "profit")
PROFITS = ("profit_now", "profit", "profit_low", "profit_high", "profit_gain", "profit_gain_low", "profit_gain_high")


def amounts(catalog: pl.DataFrame, name: str, empty: float = np.nan) -> Floats:
    """A column of numbers, (n,); `empty` where it is null or not there."""
    if name not in catalog.columns:
        return np.full(catalog.height, empty)
    return catalog[name].cast(pl.Float64).fill_null(empty).to_numpy().copy()


def net_shares(catalog: pl.DataFrame, params: Mapping[str, Any]) -> Floats:
    """What tax leaves of the price of each SKU, (n,): 1 where its rate is not known, or prices do not include it."""
    rates = amounts(catalog, "tax_rate", 0.0)
    shares: Floats = 1 / (1 + rates) if params.get("includes_tax", True) else np.ones(catalog.height)
    return shares


def hard_limits(catalog: pl.DataFrame, params: Mapping[str, Any]) -> list[tuple[float, float]]:
    """Floor and ceiling of each SKU's price: 0 and infinity, where nothing says more.

    The floor is that of the product file, or what leaves the margin that is asked for over a known unit cost, whichever
    is higher; the ceiling goes before it. Raises ParameterError for a margin that is no share.
    """
    floors, ceilings = (amounts(catalog, name, empty) for name, empty in (("floor", 0.0), ("ceiling", np.inf)))
    margin = params.get("margin_floor")
    if margin is not None:
        if isinstance(margin, bool) or not isinstance(margin, int | float) or not -1 < margin < 1:
            raise ParameterError(
                f"price.margin_floor is {margin!r}: a share of the price is needed, above -1 and below 1.",
                hint="0.2 leaves 20 % of the price, without tax, over the unit cost.",
            )
        floors = np.maximum(floors, amounts(catalog, "unit_cost", 0.0) / (1 - margin) / net_shares(catalog, params))
    return list(zip(np.minimum(floors, ceilings).tolist(), ceilings.tolist(), strict=True))


def earned(plan: Plan, catalog: pl.DataFrame, params: Mapping[str, Any], trust: float) -> dict[str, pl.Series]:
    """The columns EARNED."""
    cost, rate = (amounts(catalog, name) for name in ("unit_cost", "tax_rate"))
    without = plan.prices * net_shares(catalog, params)
    now, then = (profit.mean(axis=1) for profit in plan.profit(cost))
    columns = {
        "unit_cost": cost,
        "tax_rate": rate,
        "price_without_tax": np.where(np.isnan(rate), np.nan, without),
        "price_with_tax": without * (1 + rate),
        "profit_now": np.where(np.isnan(cost), np.nan, now),
        "profit": np.where(np.isnan(cost), np.nan, shrunk(then, now, trust)),
    }
    return {name: pl.Series(name, values).fill_nan(None) for name, values in columns.items()}


def profit_summary(plan: Plan, trust: float, unit_cost: Floats | None) -> dict[str, Any]:
    """Profit of a week now and under the plan, what it gains, and of how many SKUs; None where no cost is known."""
    costed = 0 if unit_cost is None else int(np.isfinite(unit_cost).sum())
    if unit_cost is None or not costed:
        return {"costed": 0, **dict.fromkeys(PROFITS)}
    now, then = (profit.sum(axis=0) for profit in plan.profit(unit_cost))
    profit, gain = shrunk(then, now, trust), trust * (then - now)
    ends = [(draws.mean(), *np.quantile(draws, SHARES)) for draws in (profit, gain)]
    values = (now.mean(), *ends[0], *ends[1])
    return {"costed": costed, **{name: float(value) for name, value in zip(PROFITS, values, strict=True)}}


def tax_summary(catalog: pl.DataFrame, params: Mapping[str, Any]) -> dict[str, Any]:
    """What plan.json says of tax: of how many SKUs the rate is known, its mean, and whether prices include it; empty
    where no rate is known."""
    rates = amounts(catalog, "tax_rate")
    known = rates[np.isfinite(rates)]
    if not len(known):
        return {}
    included = bool(params.get("includes_tax", True))
    return {"tax": {"skus": len(known), "mean_rate": float(known.mean()), "included": included}}


def shrunk(sales: Floats, now: Floats, trust: float) -> Floats:
    """Sales of which only a share of the gain over those of now is promised."""
    shrunk: Floats = (1 - trust) * now + trust * sales
    return shrunk
