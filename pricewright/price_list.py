"""Tables of a release: the price list, one row per SKU; the catalog that the price API reads; past price changes."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pricewright.core.content import NET_SHARE
from pricewright.core.decision import SHARES, Terms, bounds
from pricewright.core.errors import ParameterError
from pricewright.core.plan import Plan, Product, make_plan, offer, reason
from pricewright.core.substitution import Posterior
from pricewright.network.grid import regular_now
from pricewright.profit import EARNED, amounts, earned, hard_limits, net_shares, profit_summary, shrunk

Floats = NDArray[np.float64]
COLUMNS = (
    "stock_code", "description", "current_price", "optimal_price", "guardrail_low", "guardrail_high",
    "expected_units", "expected_sales", "current_expected_sales", "sales_uplift", "uplift_probability",
    "elasticity", "elasticity_low", "elasticity_high", "model", "reason",
)  # fmt: skip
ADDED = ("family", "promised_low", "promised_high")  # releases of before have none of them
OBJECTIVES = ("sales", "profit")
TINY = 1e-9
Arrays = dict[str, NDArray[Any]]
SCHEMA: dict[str, type[pl.DataType]] = {
    "stock_code": pl.String,
    "week": pl.Date,
    "price_before": pl.Float64,
    "price_after": pl.Float64,
    "predicted_log_change": pl.Float64,  # of units
    "realised_log_change": pl.Float64,
    "predicted_low": pl.Float64,
    "predicted_high": pl.Float64,
    "kind": pl.String,
}


def terms_of(params: Mapping[str, Any]) -> Terms:
    """The `price` parameters as the terms of a recommendation. Raises ParameterError for an unknown objective."""
    if params["objective"] not in OBJECTIVES:
        raise ParameterError(
            f"price.objective is {params['objective']!r}: it must be one of {', '.join(OBJECTIVES)}.",
            hint="for sales with a floor on the margin: price.objective=sales price.margin_floor=0.2.",
        )
    return Terms(
        bins=int(params["bins"]),
        objective=params["objective"],
        minimum_probability=float(params["minimum_probability"]),
        endings=tuple(float(ending) for ending in params["endings"]),
    )


def products_of(catalog: pl.DataFrame, informed: Floats, params: Mapping[str, Any]) -> list[Product]:
    """What may be asked for each SKU of the catalog; informed: (n,) how much the data said about its slope.

    No price is beyond the hard limits of its SKU, whatever the guardrail says.
    A SKU about whose answer to a price this shop's data said too little keeps its price: the prior alone moves nothing.
    """
    least, terms = float(params["minimum_information"]), terms_of(params)
    widen, factor = float(params["guardrail_widen"]), float(params["guardrail_factor"])
    products, rows = [], catalog.iter_rows(named=True)
    shared = (hard_limits(catalog, params), net_shares(catalog, params).tolist())
    for sku, known, (floor, ceiling), net in zip(rows, informed, *shared, strict=True):
        current = float(sku["current_price"])
        low, high = bounds(
            float(sku["price_min"]), float(sku["price_max"]), current, float(sku["reference_price"]), widen, factor
        )
        low, high = (float(min(max(end, floor), ceiling)) for end in (low, high))
        cost = sku["unit_cost"] if terms.objective == "profit" and sku["unit_cost"] is not None else 0.0
        kept = min(max(current, low), high)
        products.append(offer(current, low, high, terms, float(cost), fixed=bool(known < least), kept=kept, net=net))
    return products


def plan_prices(
    posterior: Posterior, catalog: pl.DataFrame, informed: Floats, draws: int, seed: int, params: Mapping[str, Any]
) -> tuple[Plan, list[Product]]:
    """The plan for all SKUs of the catalog, in its order."""
    products = products_of(catalog, informed, params)
    return make_plan(posterior, products, draws, seed, float(params["minimum_probability"])), products


def price_list(
    plan: Plan, products: Sequence[Product], catalog: pl.DataFrame, families: Sequence[str | None],
    params: Mapping[str, Any], trust: float = 1.0, rules: Sequence[str] = (),
) -> pl.DataFrame:  # fmt: skip
    """The plan as a table; catalog, products and families (None: it competes with nobody) are in the same order.

    Where the rate of tax is known, sales are without it; profit always is, as unit costs are.
    A SKU without a known unit cost is priced for sales when the objective is profit, and its reason says so. trust: the
    share of a gain that is promised, 0 to 1 (pricewright/proof); expected units are those of the promised sales. rules:
    the names of those that bind, per item; empty where the plan knows none.
    """
    moved = np.abs(plan.prices - plan.current) > TINY
    sales, now = plan.sales, plan.sales_now
    ratio = sales / np.maximum(now, TINY) - 1
    low, high = trust * np.quantile(ratio, SHARES, axis=1)
    current = now.mean(axis=1)
    expected = shrunk(sales.mean(axis=1), current, trust)
    uncosted = params["objective"] == "profit"
    reasons = [
        reason(
            product,
            price,
            chance,
            family,
            str(params["objective"]),
            float(params["minimum_probability"]),
            uncosted=uncosted and cost is None,
            rules=bound,
        )
        for product, price, chance, family, cost, bound in zip(
            products,
            plan.prices,
            plan.probability,
            families,
            catalog["unit_cost"],
            rules or [""] * len(products),
            strict=True,
        )
    ]
    return pl.DataFrame(
        {
            "stock_code": catalog["stock_code"],
            "description": catalog["description"],
            "current_price": plan.current,
            "optimal_price": plan.prices,
            "guardrail_low": [product.low for product in products],
            "guardrail_high": [product.high for product in products],
            "expected_units": expected / (plan.prices * plan.net),
            "expected_sales": expected,
            "current_expected_sales": current,
            "sales_uplift": np.where(current > 0, expected / np.maximum(current, TINY) - 1, 0.0),
            "uplift_probability": np.where(moved, plan.probability, 0.0),
            "elasticity": plan.elasticity[:, 0],
            "elasticity_low": plan.elasticity[:, 1],
            "elasticity_high": plan.elasticity[:, 2],
            "model": pl.Series(["network"] * len(products), dtype=pl.String),
            "reason": pl.Series(reasons, dtype=pl.String),
            "family": pl.Series(list(families), dtype=pl.String),
            "promised_low": low,
            "promised_high": high,
            **earned(plan, catalog, params, trust),
        },
        schema_overrides={"description": pl.String},
    ).select(*COLUMNS, *ADDED, *EARNED)


def plan_summary(plan: Plan, trust: float = 1.0, unit_cost: Floats | None = None) -> dict[str, Any]:
    """What plan.json says: sales of a week of all SKUs now and under the plan, and the profit of those whose cost is
    known (unit_cost: (n,), nan where not), each with its 90 % interval.

    trust: as in price_list. The probability of a gain is that of the curves alone; profits are None without any cost.
    """
    now = plan.sales_now.sum(axis=0)
    sales = shrunk(plan.sales.sum(axis=0), now, trust)
    low, high = np.quantile(sales, SHARES)
    uplift = sales / np.maximum(now, TINY) - 1
    uplift_low, uplift_high = np.quantile(uplift, SHARES)
    moved = int((np.abs(plan.prices - plan.current) > TINY).sum())
    return {
        "sales_now": float(now.mean()),
        "sales": float(sales.mean()),
        "sales_low": float(low),
        "sales_high": float(high),
        "uplift": float(sales.mean() / max(float(now.mean()), TINY) - 1),
        "uplift_low": float(uplift_low),
        "uplift_high": float(uplift_high),
        "probability": float((plan.sales.sum(axis=0) > now).mean()) if moved else 0.0,
        "moved": moved,
        "skus": len(plan.prices),
        "trust": trust,
        **profit_summary(plan, trust, unit_cost),
    }


def with_prices(catalog: pl.DataFrame, panel: pl.DataFrame, base_price: NDArray[np.float64]) -> pl.DataFrame:
    """The catalog with the prices that a plan needs: the curves' base prices (n,), and the regular prices now."""
    now = regular_now(panel, catalog["stock_code"].to_list())
    return catalog.with_columns(pl.Series("anchor_price", base_price), pl.Series("current_price", now))


def catalog_arrays(
    catalog: pl.DataFrame, coming: pl.DataFrame, price_list: pl.DataFrame, price: Mapping[str, Any]
) -> Arrays:
    """What the SKUs are, what they cost, what may be asked for them; and the price list, for when no model answers.

    catalog, coming and price_list have the same SKUs in the same order; price: the `price` parameters.
    """
    arrays: Arrays = {
        "stock_code": _text(catalog["stock_code"]),
        "description": _text(catalog["description"]),
        "current_price": _numbers(catalog["current_price"]),
        "reference_price": _numbers(coming["reference_price"]),
        "anchor_price": _numbers(catalog["anchor_price"]),
        "last_price": _numbers(coming["last_price"]),
        "unit_cost": _numbers(catalog["unit_cost"]),
        "guardrail_low": _numbers(price_list["guardrail_low"]),
        "guardrail_high": _numbers(price_list["guardrail_high"]),
        "bins": np.asarray(int(price["bins"])),
        "objective": np.asarray(str(price["objective"])),
        "minimum_probability": np.asarray(float(price["minimum_probability"])),
        "endings": np.asarray([float(ending) for ending in price["endings"]], dtype=np.float64),
    }
    if np.isfinite(amounts(catalog, "tax_rate")).any():
        arrays[NET_SHARE] = net_shares(catalog, price)
    for name in (*COLUMNS, *ADDED, *EARNED):
        column = price_list[name]
        arrays[f"list_{name}"] = _text(column) if column.dtype == pl.String else _numbers(column)
    return arrays


def store_arrays(catalog: pl.DataFrame, zones: pl.DataFrame) -> Arrays:
    """Of a chain whose prices differ by store: the zone or store of each item, and each store with its zone, sorted.

    Empty for any other shop: an item is its stock code there.
    """
    if not zones.height:
        return {}
    return {
        "store": _text(catalog["store"]),
        "store_names": _text(zones["store"]),
        "store_zones": _text(zones["zone"]),
    }


def history_arrays(panel: pl.DataFrame, codes: list[str], weeks: int) -> Arrays:
    """Units and prices of the last weeks: history_weeks (T,), history_units and history_price (n, T), NaN where a SKU
    was not on sale yet."""
    last = panel["week"].unique().sort().tail(weeks)
    index = {code: i for i, code in enumerate(codes)}
    recent = panel.filter(pl.col("week").is_in(last.implode()) & pl.col("stock_code").is_in(codes))
    i = recent["stock_code"].replace_strict(index, return_dtype=pl.Int64).to_numpy()
    t = recent["week"].replace_strict(last, range(len(last)), return_dtype=pl.Int64).to_numpy()
    units, price = (np.full((len(codes), len(last)), np.nan, dtype=np.float32) for _ in range(2))
    units[i, t], price[i, t] = recent["units"].to_numpy(), recent["price"].to_numpy()
    return {"history_weeks": _text(last.cast(pl.String)), "history_units": units, "history_price": price}


def _text(column: pl.Series) -> NDArray[np.str_]:
    return np.asarray(column.fill_null("").to_list(), dtype=np.str_)


def _numbers(column: pl.Series) -> NDArray[np.float64]:
    return column.cast(pl.Float64).fill_null(float("nan")).to_numpy().copy()


def no_price_changes() -> pl.DataFrame:
    """The table without a row."""
    return pl.DataFrame(schema=SCHEMA)
