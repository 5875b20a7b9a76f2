"""Which SKU belongs to which segment, how well each segment is predicted, and how far its prices move."""

from collections.abc import Iterable

import polars as pl

from pricewright.core.errors import ParameterError

KEY = ["dimension", "segment"]
ALL = "all"
UNKNOWN = "unknown"
RISING = ("slow", "low", "middle", "fast", "high")  # segments with an order of their own; others go by size
CENT = 0.005  # a move is at least half a cent


def memberships(catalog: pl.DataFrame, dimensions: Iterable[str]) -> pl.DataFrame:
    """One row per SKU and dimension: dimension, segment, stock_code; every SKU is also in the segment all/all.

    A SKU without a segment is in `unknown`. Raises ParameterError when the catalog lacks a dimension.
    """
    names = list(dimensions)
    missing = [name for name in names if name not in catalog.columns]
    if missing:
        raise ParameterError(
            f"fairness.dimensions names {missing}, which the catalog does not have: it has {catalog.columns}."
        )
    everyone = catalog.select(pl.lit(ALL).alias("dimension"), pl.lit(ALL).alias("segment"), "stock_code")
    each = catalog.unpivot(names, index="stock_code", variable_name="dimension", value_name="segment")
    each = each.select("dimension", pl.col("segment").cast(pl.String).fill_null(UNKNOWN), "stock_code")
    return pl.concat([everyone, each])


def sizes(members: pl.DataFrame) -> pl.DataFrame:
    """One row per segment with its number of SKUs, dimension by dimension; terciles rise, others fall in size."""
    rising = pl.col("segment").replace_strict({name: i for i, name in enumerate(RISING)}, default=len(RISING))
    order = members.group_by("dimension", maintain_order=True).agg().with_row_index("position")
    counted = members.group_by(KEY).agg(skus=pl.col("stock_code").n_unique().cast(pl.Int64))
    ordered = counted.join(order, on="dimension").sort("position", rising, -pl.col("skus"), "segment")
    return ordered.drop("position")


def accuracy(backtest: pl.DataFrame, members: pl.DataFrame) -> pl.DataFrame:
    """One row per segment: rows, wape (sum |units - median| / sum units), bias (sum of the predicted means / sum
    units), coverage (share of the weeks inside the 90 % interval). A segment that sold nothing has no finite wape.
    """
    error = (pl.col("units") - pl.col("predicted_median")).abs().sum()
    inside = pl.col("units").is_between("predicted_low", "predicted_high")
    return (
        members.join(backtest, on="stock_code")
        .group_by(KEY)
        .agg(
            rows=pl.len().cast(pl.Int64),
            wape=error / pl.col("units").sum(),
            bias=pl.col("predicted_units").sum() / pl.col("units").sum(),
            coverage=inside.mean(),
        )
    )


def price_moves(price_list: pl.DataFrame, members: pl.DataFrame) -> pl.DataFrame:
    """One row per segment: price_change (mean of log(optimal / current price)), moved_share (of the SKUs).

    Both are NaN or missing for a segment of which a SKU has no price: the gate must not overlook it.
    """
    change = (pl.col("optimal_price") / pl.col("current_price")).log()
    moved = (pl.col("optimal_price") - pl.col("current_price")).abs() >= CENT
    return (
        members.join(price_list, on="stock_code", how="left")
        .group_by(KEY)
        .agg(price_change=change.fill_null(float("nan")).mean(), moved_share=moved.mean())
    )
