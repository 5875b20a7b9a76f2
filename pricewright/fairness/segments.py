"""Which SKU belongs to which segment, and how many SKUs a segment has."""

from collections.abc import Iterable

import polars as pl

from pricewright.core.errors import ParameterError

KEY = ["dimension", "segment"]
ALL = "all"
UNKNOWN = "unknown"
RISING = ("slow", "low", "middle", "fast", "high")  # segments with an order of their own; others go by size


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
    order = members.group_by("dimension", maintain_order=True).agg().with_row_index("place")
    counted = members.group_by(KEY).agg(skus=pl.col("stock_code").n_unique().cast(pl.Int64))
    ordered = counted.join(order, on="dimension").sort("place", rising, -pl.col("skus"), "segment")
    return ordered.drop("place")
