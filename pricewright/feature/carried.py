"""What is carried from week to week about every SKU, so that a new week needs its window and not the history.

Most features look back at most 60 weeks, at the measures of a `Past`. A few things have no end: the prices that were
asked last, the half-lives, sums for the catalog. They are a row per SKU, and lie beside each week of the panel.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from pricewright.core.price_features import SAME_PRICE
from pricewright.feature.asked import Prices
from pricewright.feature.history import HALF_LIVES
from pricewright.feature.past import Floats, Whole
from pricewright.feature.stock import RECENT, Mask, remember

# Of the week itself: what a Past is filled from again.
OF_WEEK = (
    "known_units", "registered_units", "abroad_units", "late_units", "orders", "guest_orders", "customers",
    "largest_order", "repeat_customers", "price_moved", "price", "list_price",
)  # fmt: skip
ZEROS = (
    *OF_WEEK[:10], "age", "quiet", "selling_weeks", "all_units", "all_known", "all_registered", "all_abroad",
    *(f"sum_{k}" for k in HALF_LIVES),
)  # fmt: skip
NONE_YET = ("price", "price_before", "list_price", "regular_price", "weeks_since_sold", "last_sold", "price_min",
            "price_max", *RECENT)  # fmt: skip
DEPTH = {
    "log_units": 60, "known_units": 26, "registered_units": 26, "abroad_units": 26, "late_units": 1, "orders": 26,
    "customers": 13, "largest_order": 8, "repeat_customers": 13, "log_orders": 26, "log_customers": 13,
    "log_guest_orders": 4, "log_registered_orders": 4, "sold_known": 26, "log_price": 26, "price_moved": 13, "price": 1,
    "weeks_since_sold": 1, **{f"half_life_{k}": 1 for k in HALF_LIVES},
}  # fmt: skip
Carried = dict[str, Floats]


def nothing(count: int) -> Carried:
    """Before the first week: `count` SKUs that are not there yet."""
    zeros = {name: np.zeros(count) for name in ZEROS}
    return zeros | {name: np.full(count, np.nan) for name in NONE_YET}


def carry(before: Carried, sales: Mapping[str, Floats], asked: Prices, in_stock: Mask, t: int) -> Carried:
    """After week t; `sales`: WeekSales.sales and repeat_customers as arrays (n,), 0 where a SKU sold none; asked: what
    the main channel asked.

    A week without stock says nothing about demand: what its SKU sold in the last week in stock is remembered in its
    place, so that no lag and no mean falls.
    """
    sells, there = sales["orders"] > 0, before["age"] > 0
    counts = in_stock | ~there
    now = {name: np.where(counts, sales[name], before[name]) for name in OF_WEEK[:9]}
    now |= remember(before, sales["known_units"], in_stock & (there | sells), sells)
    now |= _priced(before, asked, sales["promoted_units"] >= 0.5 * sales["known_units"])
    now["price_moved"] = np.where(there, _differ(now["price"], before["price"]), False).astype(np.float64)
    now["age"] = np.where(there | sells, before["age"] + 1, 0)
    now["weeks_since_sold"] = np.where(sells, 1.0, before["weeks_since_sold"] + in_stock)
    log_units = np.log1p(now["known_units"])
    for weeks in HALF_LIVES:
        now[f"sum_{weeks}"] = log_units + decay(weeks) * before[f"sum_{weeks}"]
    return now | _for_catalog(before, sales, now["list_price"], t)


def measures(carried: Carried) -> Carried:
    """What a Past remembers of a week (DEPTH), nan-free but for what is asked of a SKU only once it is there."""
    known, orders, guests = (carried[name] for name in ("known_units", "orders", "guest_orders"))
    derived = {
        "log_units": np.log1p(known),
        "log_orders": np.log1p(orders),
        "log_customers": np.log1p(carried["customers"]),
        "log_guest_orders": np.log1p(guests),
        "log_registered_orders": np.log1p(orders - guests),
        "sold_known": (known > 0).astype(np.float64),
        "log_price": np.nan_to_num(np.log(carried["price"])),
        "list_price": np.nan_to_num(carried["list_price"]),
    }
    for weeks in HALF_LIVES:  # the weights of the weeks that a SKU has been there add up to this
        weights = (1 - decay(weeks) ** carried["age"]) / (1 - decay(weeks))
        derived[f"half_life_{weeks}"] = carried[f"sum_{weeks}"] / np.maximum(weights, 1.0)
    return carried | derived


def decay(half_life: float) -> float:
    """What is left of a weight after a week."""
    return float(0.5 ** (1 / half_life))


def to_frame(codes: list[str], carried: Carried, names: Sequence[pl.Series]) -> pl.DataFrame:
    """The SKUs that are there, one row each with their names, as it lies beside the week."""
    frame = pl.DataFrame({"stock_code": codes, **{name: carried[name] for name in (*ZEROS, *NONE_YET)}})
    return frame.with_columns(names).filter(carried["age"] > 0)


def from_frame(frame: pl.DataFrame, places: Whole, count: int) -> Carried:
    """The same as arrays over `count` SKUs; places: where those of the frame stand among them."""
    carried = nothing(count)
    for name, values in carried.items():
        values[places] = frame[name].to_numpy()
    return carried


def _priced(before: Carried, asked: Prices, promoted: Mask) -> Carried:
    """The week's price, the list price and the regular one, which is the list price of the last week not promoted.

    A list price holds while enough lines sell at it. A single line that leaves a steady price is confirmed by the next
    one, unless no SKU had more than one line: the shop gives totals.
    """
    asks, price = asked.lines > 0, asked.price
    steady = ~np.isnan(before["price_before"]) & ~_differ(before["price"], before["price_before"])
    alone = (asked.lines == 1) & (asked.lines.max(initial=0) > 1) & steady & _differ(price, before["price"])
    listed = np.where(asks & ~asked.held & ~alone, price, before["list_price"])
    regular = (asks & ~promoted) | np.isnan(before["regular_price"])
    return {
        "price": np.where(asks, price, before["price"]),
        "price_before": np.where(asks, before["price"], before["price_before"]),
        "list_price": listed,
        "regular_price": np.where(regular, listed, before["regular_price"]),
    }


def _differ(price: Floats, other: Floats) -> Mask:
    moved: Mask = np.abs(np.log(price) - np.log(other)) > SAME_PRICE
    return moved


def _for_catalog(before: Carried, sales: Mapping[str, Floats], list_price: Floats, t: int) -> Carried:
    sold = sales["units"] > 0
    seen = np.where(sold, list_price, np.nan)
    return {
        "price_min": np.fmin(before["price_min"], seen),
        "price_max": np.fmax(before["price_max"], seen),
        "last_sold": np.where(sold, float(t), before["last_sold"]),
        "selling_weeks": before["selling_weeks"] + sold,
        "all_units": before["all_units"] + sales["units"],
        "all_known": before["all_known"] + sales["known_units"],
        "all_registered": before["all_registered"] + sales["registered_units"],
        "all_abroad": before["all_abroad"] + sales["abroad_units"],
    }
