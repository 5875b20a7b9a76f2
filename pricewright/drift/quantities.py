"""Units against what is usual for their SKU: per order, which no season moves much, and in all, which it does."""

import polars as pl

from pricewright.drift.usual import as_factor

# Below one unit a week, a mean of some weeks is mostly chance; half a unit more on both sides tames what is left.
LEAST_UNITS = 1.0
PSEUDO_UNITS = 0.5


def units_per_order(current: pl.DataFrame, usual: pl.DataFrame) -> float:
    """Units per order over the usual ones of the median SKU, as a factor >= 1, in the week furthest from 1.

    A scale that changed (dozens for pieces) shows here, however strong the season is.
    """
    per_order = pl.col("units") / pl.col("orders")
    rows = current.filter("sold").join(usual, on="stock_code").drop_nulls("usual_units_per_order")
    weekly = rows.group_by("week").agg(ratio=(per_order / pl.col("usual_units_per_order")).log().median().abs())
    return as_factor(weekly["ratio"].max())  # type: ignore[arg-type]


def units_level(current: pl.DataFrame, usual: pl.DataFrame) -> float:
    """Mean weekly units over the usual ones of the median SKU, as a factor >= 1."""
    now = current.group_by("stock_code").agg(pl.col("units").mean())
    rows = now.join(usual.filter(pl.col("usual_units") >= LEAST_UNITS), on="stock_code")
    ratio = (rows["units"] + PSEUDO_UNITS) / (rows["usual_units"] + PSEUDO_UNITS)
    return as_factor(ratio.log().median())  # type: ignore[arg-type]
