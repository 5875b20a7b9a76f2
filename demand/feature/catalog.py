"""The SKUs on sale, one row each: name, prices, cost, and the segments that models are compared over."""

from collections.abc import Mapping
from typing import Any

import polars as pl

TIERS = ("low", "middle", "high")
SPEEDS = ("slow", "middle", "fast")


def build_catalog(
    rows: pl.DataFrame, coming: pl.DataFrame, transactions: pl.DataFrame, params: Mapping[str, Any]
) -> pl.DataFrame:
    """One row per SKU that sold in the last `catalog_weeks` weeks, in order of stock_code.

    rows, coming: the grid's past weeks and its coming one; transactions: the lines of the past weeks. The thresholds
    are `segments` of the section `feature`. Terciles are among the SKUs of the catalog.
    """
    segments = params["segments"]
    on_sale = rows["week"].unique().sort().tail(int(params["catalog_weeks"]))
    priced = pl.col("list_price").filter("sold")
    skus = rows.group_by("stock_code").agg(
        current_price=pl.col("list_price").last(),
        price_min=priced.min(),
        price_max=priced.max(),
        known=pl.col("known_units").sum(),
        registered=pl.col("registered_units").sum(),
        abroad=pl.col("abroad_units").sum(),
        weekly=pl.col("units").mean(),
        last_sold=pl.col("week").filter("sold").max(),
    )
    skus = skus.filter(pl.col("last_sold") >= on_sale[0]).join(_names(transactions), on="stock_code", how="left")
    skus = skus.join(coming.select("stock_code", "reference_price"), on="stock_code")
    registered = pl.col("registered") / pl.col("known") > float(segments["registered_share"])
    home = 1.0 - pl.col("abroad") / pl.col("known") >= float(segments["home_share"])
    return skus.sort("stock_code").select(
        "stock_code",
        pl.col("description").fill_null(""),
        "current_price",
        "reference_price",
        "price_min",
        "price_max",
        "unit_cost",
        customer_segment=pl.when(registered).then(pl.lit("registered")).otherwise(pl.lit("guest")),
        country_segment=pl.when(home).then(pl.lit("home")).otherwise(pl.lit("abroad")),
        price_tier=_terciles("current_price", TIERS),
        speed=_terciles("weekly", SPEEDS),
    )


def _names(transactions: pl.DataFrame) -> pl.DataFrame:
    """stock_code, description and unit_cost as last known."""
    lines = transactions.sort("invoice_time", "row")
    newest = [pl.col(name).drop_nulls().last() for name in ("description", "unit_cost")]
    return lines.group_by("stock_code").agg(*newest)


def _terciles(column: str, names: tuple[str, ...]) -> pl.Expr:
    """The third of the SKUs that a value is in, by rank; equal values are in the same third."""
    share = (pl.col(column).rank("min") - 1) / pl.len()
    first, second, third = (pl.lit(name) for name in names)
    return pl.when(share < 1 / 3).then(first).when(share < 2 / 3).then(second).otherwise(third)
