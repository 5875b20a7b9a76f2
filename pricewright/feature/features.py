"""All columns of the panel and how each is made, from what was known when its week began."""

from collections.abc import Sequence
from datetime import date, timedelta
from math import tau

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pricewright.feature.actions import ACTIONS
from pricewright.feature.past import (
    Floats,
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

YEAR_DAYS = 365.25
ADVENT_WEEKS = 16  # from September on Christmas is in sight

PHASE = tau * pl.col("week").dt.ordinal_day().cast(pl.Float64) / YEAR_DAYS
CHRISTMAS = pl.date(pl.col("week").dt.year(), 12, 25)
WEEKS_TO_CHRISTMAS = (CHRISTMAS - pl.col("week")).dt.total_days() / 7
DAYS_BEFORE = pl.col("selling_days").shift(1)  # in the week before

CALENDAR: dict[str, pl.Expr] = {
    "year_sin": PHASE.sin(),
    "year_cos": PHASE.cos(),
    "christmas_weeks": WEEKS_TO_CHRISTMAS.clip(-1, ADVENT_WEEKS),
    "month_part": (pl.col("week").dt.day() - 1) / 31,
    "holiday_days_before": DAYS_BEFORE.rolling_max(13, min_samples=1) - DAYS_BEFORE,
}
CUSTOMER_MIX: dict[str, Look] = {
    "log_customers_mean_4": mean_before("log_customers", 4),
    "log_customers_mean_13": mean_before("log_customers", 13),
    "customer_momentum_4_13": momentum("log_customers", 4, 13),
    "log_registered_orders_mean_4": mean_before("log_registered_orders", 4),
    "log_guest_orders_lag_1": before("log_guest_orders"),
    "log_guest_orders_mean_4": mean_before("log_guest_orders", 4),
    "registered_share_4": share_before("registered_units", "known_units", 4),
    "registered_share_26": share_before("registered_units", "known_units", 26),
    "abroad_share_4": share_before("abroad_units", "known_units", 4),
    "abroad_share_26": share_before("abroad_units", "known_units", 26),
    "repeat_customer_share_13": share_before("repeat_customers", "customers", 13),
    "log_repeat_customers_8": logged(sum_before("repeat_customers", 8)),
}
FAMILY: dict[str, Look] = {
    "family_log_units_lag_1": before("mean_log_units"),
    "family_log_units_mean_4": mean_before("mean_log_units", 4),
    "family_units_momentum_2_8": momentum("mean_log_units", 2, 8),
}
DEPTH = {"mean_log_units": 8}
MILLIONTHS = 1_000_000  # whole numbers add up to the same sum in any order, so that every run gives the same bits
HALF_LIVES = (1, 3, 10)  # weeks
NEW_WEEKS = 13  # a SKU is new for a quarter; an age without end would be a trend that models carry on
YEAR = timedelta(weeks=52)
LEVEL = 8  # weeks before
LAST_YEAR = ("year_ago_log_units", "year_ago_uplift", "year_ago_known")
PRICE_HISTORY: dict[str, Look] = {
    "price_level": before("log_price"),
    "price_spread_13": spread_before("log_price", 13),
    "price_moves_13": mean_before("price_moved", 13, late=1),  # a SKU's first price has not moved
    "price_before_against_usual": lambda past: before("log_price")(past) - median_before("log_price", 26)(past),
}
KEPT = (
    "stock_code", "week", "units", "price", "list_price", "sold", "orders", "customers", "reference_price",
    "last_price", "category", "promotion", "in_stock", "store",
)  # fmt: skip
COMPETITOR = "competitor_gap"  # log of the competitor's last known price over the reference price


def calendar_weeks(weeks: pl.DataFrame) -> pl.DataFrame:
    """One row per open week and the coming one: week and CALENDAR; `weeks` as open_weeks gives them."""
    return weeks.sort("week").select("week", **CALENDAR)


class Families:
    """What the families of n SKUs sold so far; counts every SKU, also those that the panel will not keep.

    A family lies within a zone; stores: the zone or store of each SKU, None in a shop without.
    """

    def __init__(self, codes: Sequence[str], stores: Sequence[str | None], code_length: int) -> None:
        names = [f"{code[:code_length]}@{store or ''}" for code, store in zip(codes, stores, strict=True)]
        found, self._of = np.unique(np.array(names, dtype=np.str_), return_inverse=True)
        self._past = Past(DEPTH, len(found))

    def add(self, log_units: Floats, age: NDArray[np.int64]) -> None:
        """A week is over: log units and age of every SKU after it."""
        there = age > 0
        millionths = np.where(there, np.round(log_units * MILLIONTHS), 0.0)
        members = np.bincount(self._of, there, len(self._past.age))
        total = np.bincount(self._of, millionths, len(self._past.age))
        oldest = np.zeros(len(self._past.age), np.int64)
        np.maximum.at(oldest, self._of, age)
        self._past.add({"mean_log_units": total / np.maximum(members, 1) / MILLIONTHS}, oldest)

    def features(self) -> dict[str, Floats]:
        """FAMILY of each SKU's family."""
        return {name: look(self._past)[self._of] for name, look in FAMILY.items()}


def _units_per_order(weeks: int) -> Look:
    return lambda past: np.log1p(sum_before("known_units", weeks)(past) / _some(past.total("orders", weeks)))


def _some(total: np.ndarray) -> np.ndarray:
    return np.where(total > 0, total, np.nan)


def _zero_share(weeks: int) -> Look:
    return lambda past: 1.0 - mean_before("sold_known", weeks)(past)


def _age(past: Past) -> np.ndarray:
    return np.log1p(np.clip(past.age, 0, NEW_WEEKS).astype(np.float64))


# Half-lives and weeks_since_sold look back without end: panel_builder.py carries what they need from week to week.
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


def last_year(past: Past, weeks: list[date]) -> dict[str, Floats]:
    """LAST_YEAR of the week weeks[-1], nan where there is no year; `weeks` are all open ones up to it.

    year_ago_log_units is the mean of the same week and its neighbours, 52 weeks ago, year_ago_uplift the same less the
    mean of the 8 weeks before it.
    """
    nothing = np.full(len(past.age), np.nan)
    same = weeks[-1] - YEAR
    if same not in weeks:
        return dict.fromkeys(LAST_YEAR, nothing)
    back = weeks[::-1].index(same)
    around, count = np.zeros(len(past.age)), np.zeros(len(past.age))
    for neighbour in (back + 1, back, back - 1):
        if neighbour > 0:
            around += past.at("log_units", neighbour)
            count += past.age >= neighbour
    known = past.age >= back
    around = np.where(known, around / np.maximum(count, 1), np.nan)
    level = np.zeros(len(past.age))
    for week in range(back + 1, back + 1 + LEVEL):
        level += past.at("log_units", week)
    before = np.clip(past.age - back, 0, LEVEL)
    level = np.where(before > 0, level / np.maximum(before, 1), np.nan)
    return dict(zip(LAST_YEAR, (around, around - level, np.where(known, 1.0, np.nan)), strict=True))


OWN: dict[str, Look] = {**HISTORY, **CUSTOMER_MIX, **PRICE_HISTORY}
FEATURES: tuple[str, ...] = (*OWN, *FAMILY, *LAST_YEAR, *CALENDAR)
SOMETIMES: tuple[str, ...] = (COMPETITOR, *ACTIONS)  # what some shops know; 0 in all rows of the others


def features_of(rows: pl.DataFrame) -> tuple[str, ...]:
    """What models learn from in these panel rows: FEATURES, and those of SOMETIMES that this shop knows."""
    known = (name for name in SOMETIMES if name in rows.columns and (rows[name] != 0).any())
    return (*FEATURES, *known)
