"""The whole shop: how busy it was lately, and what the same weeks of last year brought."""

import polars as pl

from demand.feature.calendar import CALENDAR
from demand.feature.past import before, mean_before

TOTAL = pl.col("shop_units").log1p()
ASSORTMENT = pl.col("shop_skus").cast(pl.Float64).log1p()
SHOP: dict[str, pl.Expr] = {
    "shop_units_lag_1": before(TOTAL) - mean_before(TOTAL, 8),
    "shop_units_momentum_4_13": mean_before(TOTAL, 4) - mean_before(TOTAL, 13),
    "shop_sold_skus_momentum_2_8": mean_before(ASSORTMENT, 2) - mean_before(ASSORTMENT, 8),
}


def shop_weeks(sales: pl.DataFrame, weeks: pl.DataFrame) -> pl.DataFrame:
    """One row per open week and the coming one: week, CALENDAR and SHOP. Counts every SKU, also those not kept."""
    totals = sales.group_by("week").agg(shop_units=pl.col("units").sum(), shop_skus=pl.len())
    table = weeks.join(totals, on="week", how="left").sort("week")
    return table.select("week", **CALENDAR, **SHOP)
