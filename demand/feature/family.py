"""A SKU's family: the codes that begin alike (85123A, 85123B, 85124C). Ranges are listed together and sell together."""

import polars as pl

from demand.feature.past import before, mean_before

MEAN = pl.col("mean_log_units")
FAMILY: dict[str, pl.Expr] = {
    "family_log_units_lag_1": before(MEAN),
    "family_log_units_mean_4": mean_before(MEAN, 4),
    "family_units_momentum_2_8": mean_before(MEAN, 2) - mean_before(MEAN, 8),
}
MILLIONTHS = 1_000_000  # whole numbers add up to the same sum in any order, so that every run gives the same bits


def family(code_length: int) -> pl.Expr:
    """The first `code_length` characters of the code."""
    return pl.col("stock_code").str.slice(0, code_length).alias("family")


def family_weeks(grid: pl.DataFrame, code_length: int) -> pl.DataFrame:
    """One row per family and week: family, week and FAMILY. Counts every SKU, also those not kept."""
    millionths = (pl.col("known_units").log1p() * MILLIONTHS).round().cast(pl.Int64)
    totals = grid.group_by(family(code_length), "week").agg(mean_log_units=millionths.mean() / MILLIONTHS)
    totals = totals.sort("family", "week")
    return totals.select("family", "week", *(e.over("family").alias(name) for name, e in FAMILY.items()))
