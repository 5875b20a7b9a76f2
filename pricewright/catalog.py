"""The catalog arrays of a release: everything that inference needs to know about a SKU, as plain numpy arrays."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pricewright.network.grid import regular_now

Arrays = dict[str, NDArray[Any]]


def with_prices(catalog: pl.DataFrame, panel: pl.DataFrame, anchor: NDArray[np.float64]) -> pl.DataFrame:
    """The catalog with the prices that a plan needs: the curves' anchor prices (n,), and the regular prices now."""
    now = regular_now(panel, catalog["stock_code"].to_list())
    return catalog.with_columns(pl.Series("anchor_price", anchor), pl.Series("current_price", now))


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
    for name in price_list.columns:
        column = price_list[name]
        arrays[f"list_{name}"] = _text(column) if column.dtype == pl.String else _numbers(column)
    return arrays


def history_arrays(panel: pl.DataFrame, codes: list[str], weeks: int) -> Arrays:
    """Units and prices of the last weeks: history_weeks (T,), history_units and history_price (n, T), NaN where a SKU
    was not on sale yet."""
    last = panel["week"].unique().sort().tail(weeks)
    place = {code: i for i, code in enumerate(codes)}
    recent = panel.filter(pl.col("week").is_in(last.implode()) & pl.col("stock_code").is_in(codes))
    i = recent["stock_code"].replace_strict(place, return_dtype=pl.Int64).to_numpy()
    t = recent["week"].replace_strict(last, range(len(last)), return_dtype=pl.Int64).to_numpy()
    units, price = (np.full((len(codes), len(last)), np.nan, dtype=np.float32) for _ in range(2))
    units[i, t], price[i, t] = recent["units"].to_numpy(), recent["price"].to_numpy()
    return {"history_weeks": _text(last.cast(pl.String)), "history_units": units, "history_price": price}


def _text(column: pl.Series) -> NDArray[np.str_]:
    return np.asarray(column.fill_null("").to_list(), dtype=np.str_)


def _numbers(column: pl.Series) -> NDArray[np.float64]:
    return column.cast(pl.Float64).fill_null(float("nan")).to_numpy().copy()
