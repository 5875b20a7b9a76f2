"""What a SKU has sold so far: lags, levels, spread, momentum, gaps."""

import numpy as np

from pricewright.feature.past import (
    Look,
    Past,
    before,
    largest_before,
    least_before,
    logged,
    mean_before,
    median_before,
    momentum,
    share_before,
    spread_before,
    sum_before,
)  # fmt: skip

HALF_LIVES = (1, 3, 10)  # weeks
NEW_WEEKS = 13  # a SKU is new for a quarter; an age without end would be a trend that models carry on


def _units_per_order(weeks: int) -> Look:
    return lambda past: np.log1p(sum_before("known_units", weeks)(past) / _some(past.total("orders", weeks)))


def _some(total: np.ndarray) -> np.ndarray:
    return np.where(total > 0, total, np.nan)


def _zero_share(weeks: int) -> Look:
    return lambda past: 1.0 - mean_before("sold_known", weeks)(past)


def _age(past: Past) -> np.ndarray:
    return np.log1p(np.clip(past.age, 0, NEW_WEEKS).astype(np.float64))


# The half-lives and weeks_since_sold look back without end: what they need is carried from week to week (carried.py).
HISTORY: dict[str, Look] = {
    **{f"log_units_lag_{k}": before("log_units", k) for k in (1, 2, 3, 4)},
    **{f"log_units_mean_{k}": mean_before("log_units", k) for k in (2, 4, 8, 13, 26)},
    **{f"log_units_half_life_{k}": before(f"half_life_{k}") for k in HALF_LIVES},
    **{f"log_mean_units_{k}": logged(mean_before("known_units", k)) for k in (4, 13, 26)},
    **{f"log_units_spread_{k}": spread_before("log_units", k) for k in (8, 26)},
    **{f"log_units_max_{k}": largest_before("log_units", k) for k in (4, 26)},
    "log_units_min_8": least_before("log_units", 8),
    "log_units_median_13": median_before("log_units", 13),
    "units_momentum_2_8": momentum("log_units", 2, 8),
    "units_momentum_4_13": momentum("log_units", 4, 13),
    "units_momentum_13_52": momentum("log_units", 13, 52),
    **{f"zero_share_{k}": _zero_share(k) for k in (4, 8, 26)},
    "weeks_since_sold": logged(before("weeks_since_sold")),
    "age_weeks": _age,
    "log_orders_lag_1": before("log_orders"),
    **{f"log_orders_mean_{k}": mean_before("log_orders", k) for k in (4, 13, 26)},
    "orders_momentum_2_8": momentum("log_orders", 2, 8),
    "log_units_per_order_4": _units_per_order(4),
    "log_units_per_order_26": _units_per_order(26),
    "largest_order_units_share_8": share_before("largest_order", "known_units", 8),
    "late_units_share_1": share_before("late_units", "known_units", 1),
    "log_late_units_lag_1": logged(before("late_units")),
}
