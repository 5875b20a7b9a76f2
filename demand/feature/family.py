"""A SKU's family: the codes that share its digits (85123A, 85123B), which rise and fall together."""

import polars as pl

from demand.feature.past import mean_before

DIGITS = r"^(\d+)"
LOG_UNITS = pl.col("units").log1p()
FAMILY: dict[str, pl.Expr] = {
    "family_log_units_mean_4": mean_before(LOG_UNITS, 4),
    "family_units_momentum_2_8": mean_before(LOG_UNITS, 2) - mean_before(LOG_UNITS, 8),
}


def family(code: str = "stock_code") -> pl.Expr:
    """The digits that the code starts with, or the whole code."""
    return pl.coalesce(pl.col(code).str.extract(DIGITS), pl.col(code)).alias("family")


def family_weeks(grid: pl.DataFrame) -> pl.DataFrame:
    """One row per family and week: family, week and FAMILY. Counts every SKU, also those not kept."""
    totals = grid.group_by(family(), "week").agg(units=pl.col("units").sum()).sort("family", "week")
    return totals.select("family", "week", *(e.over("family").alias(name) for name, e in FAMILY.items()))
