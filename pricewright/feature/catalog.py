"""The SKUs on sale, one row each: name, category, prices, cost, and the segments that models are compared over."""

from collections.abc import Mapping
from typing import Any

import polars as pl

TIERS = ("low", "middle", "high")
SPEEDS = ("slow", "middle", "fast")


def build_catalog(carried: pl.DataFrame, coming: pl.DataFrame, weeks: int, params: Mapping[str, Any]) -> pl.DataFrame:
    """One row per SKU that sold in the last `catalog_weeks` weeks, in order of stock_code.

    carried: of the panel's SKUs, what is carried after the last of `weeks` weeks; coming: their rows of the coming one.
    The thresholds are `segments` of the section `feature`. Terciles are among the SKUs of the catalog.
    """
    segments = params["segments"]
    skus = carried.filter(pl.col("last_sold") >= weeks - int(params["catalog_weeks"]))
    skus = skus.join(coming.select("stock_code", "reference_price"), on="stock_code")
    skus = skus.with_columns(weekly=pl.col("all_units") / pl.col("age"))
    registered = pl.col("all_registered") / pl.col("all_known") > float(segments["registered_share"])
    home = 1.0 - pl.col("all_abroad") / pl.col("all_known") >= float(segments["home_share"])
    return skus.sort("stock_code").select(
        "stock_code",
        pl.col("description").fill_null(""),
        "category",
        pl.col("regular_price").alias("current_price"),
        "reference_price",
        "price_min",
        "price_max",
        "unit_cost",
        customer_segment=pl.when(registered).then(pl.lit("registered")).otherwise(pl.lit("guest")),
        country_segment=pl.when(home).then(pl.lit("home")).otherwise(pl.lit("abroad")),
        price_tier=_terciles("regular_price", TIERS),
        speed=_terciles("weekly", SPEEDS),
    )


def _terciles(column: str, names: tuple[str, ...]) -> pl.Expr:
    """The third of the SKUs that a value is in, by rank; equal values are in the same third."""
    share = (pl.col(column).rank("min") - 1) / pl.len()
    first, second, third = (pl.lit(name) for name in names)
    return pl.when(share < 1 / 3).then(first).when(share < 2 / 3).then(second).otherwise(third)
