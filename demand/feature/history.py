"""What a SKU has sold so far: lags, levels, spread, momentum, gaps."""

import polars as pl

from demand.feature.past import before, mean_before, share_before, sum_before, weeks_since

LOG_UNITS = pl.col("known_units").log1p()
SOLD = (pl.col("known_units") > 0).cast(pl.Float64)
LOG_ORDERS = pl.col("orders").log1p()
NEW_WEEKS = 13  # a SKU is new for a quarter; an age without end would be a trend that models carry on


def _half_life(weeks: float) -> pl.Expr:
    return before(LOG_UNITS).ewm_mean(half_life=weeks, adjust=True, ignore_nulls=True)


HISTORY: dict[str, pl.Expr] = {
    **{f"log_units_lag_{k}": before(LOG_UNITS, k) for k in (1, 2, 3, 4)},
    **{f"log_units_mean_{k}": mean_before(LOG_UNITS, k) for k in (2, 4, 8, 13, 26)},
    **{f"log_units_half_life_{k}": _half_life(k) for k in (1, 3, 10)},
    **{f"log_mean_units_{k}": mean_before("known_units", k).log1p() for k in (4, 13, 26)},
    **{f"log_units_spread_{k}": before(LOG_UNITS).rolling_std(k, min_samples=2) for k in (8, 26)},
    **{f"log_units_max_{k}": before(LOG_UNITS).rolling_max(k, min_samples=1) for k in (4, 26)},
    "log_units_min_8": before(LOG_UNITS).rolling_min(8, min_samples=1),
    "log_units_median_13": before(LOG_UNITS).rolling_median(13, min_samples=1),
    "units_momentum_2_8": mean_before(LOG_UNITS, 2) - mean_before(LOG_UNITS, 8),
    "units_momentum_4_13": mean_before(LOG_UNITS, 4) - mean_before(LOG_UNITS, 13),
    "units_momentum_13_52": mean_before(LOG_UNITS, 13) - mean_before(LOG_UNITS, 52),
    **{f"zero_share_{k}": 1.0 - mean_before(SOLD, k) for k in (4, 8, 26)},
    "weeks_since_sold": weeks_since(pl.col("known_units") > 0).log1p(),
    "age_weeks": pl.int_range(pl.len()).clip(0, NEW_WEEKS).log1p(),
    "log_orders_lag_1": before(LOG_ORDERS),
    **{f"log_orders_mean_{k}": mean_before(LOG_ORDERS, k) for k in (4, 13, 26)},
    "orders_momentum_2_8": mean_before(LOG_ORDERS, 2) - mean_before(LOG_ORDERS, 8),
    "log_units_per_order_4": (sum_before("known_units", 4) / sum_before("orders", 4)).log1p(),
    "log_units_per_order_26": (sum_before("known_units", 26) / sum_before("orders", 26)).log1p(),
    "largest_order_units_share_8": share_before("largest_order", "known_units", 8),
    "late_units_share_1": share_before("late_units", "known_units", 1),
    "log_late_units_lag_1": before("late_units").log1p(),
}
