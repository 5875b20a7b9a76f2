"""Units against what is usual for their SKU: per order, which no season moves much, and in all, which it does.

And the orders of the whole shop against its quietest earlier weeks: a store that is missing takes its orders along.
"""

from collections.abc import Sequence
from math import exp, isfinite, log, nan, sqrt
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pricewright.drift.usual import as_factor

Floats = NDArray[np.float64]
YEAR = 52  # weeks
EARLIER = 3  # windows whose growth is known: the least of fewer is mostly chance

# Below one unit a week, a mean of some weeks is mostly chance; half a unit more on both sides tames what is left.
LEAST_UNITS = 1.0
PSEUDO_UNITS = 0.5


class Level(NamedTuple):
    """The logarithm of mean weekly orders, or a difference of such, with its variance if orders come by chance."""

    log: float
    variance: float


def units_per_order(current: pl.DataFrame, usual: pl.DataFrame) -> float:
    """Units per order over the usual ones of the median SKU, as a factor >= 1, in the week furthest from 1.

    A scale that changed (dozens for pieces) shows here, however strong the season is.
    """
    per_order = pl.col("units") / pl.col("orders")
    rows = current.filter("sold").join(usual, on="stock_code").drop_nulls("usual_units_per_order")
    weekly = rows.group_by("week").agg(ratio=(per_order / pl.col("usual_units_per_order")).log().median().abs())
    return as_factor(weekly["ratio"].max())  # type: ignore[arg-type]


def units_level(current: pl.DataFrame, usual: pl.DataFrame) -> float:
    """Mean weekly units over the usual ones of the median SKU, as a factor >= 1."""
    now = current.group_by("stock_code").agg(pl.col("units").mean())
    rows = now.join(usual.filter(pl.col("usual_units") >= LEAST_UNITS), on="stock_code")
    ratio = (rows["units"] + PSEUDO_UNITS) / (rows["usual_units"] + PSEUDO_UNITS)
    return as_factor(ratio.log().median())  # type: ignore[arg-type]


def orders_fall(reference: pl.DataFrame, current: pl.DataFrame) -> float:
    """How many times fewer orders a week the shop has than in any window of the last year, at least 1.

    Windows are as long as `current`, or half as long, which shows a store that went missing lately. Where history is
    long enough, the growth over a year ago is held against that of earlier windows as well, so that neither growth nor
    a busy season makes up for the loss. A fall within two standard errors of the counted orders is left to chance.
    """
    both = [rows.select("week", pl.col("orders").cast(pl.Float64)) for rows in (reference, current)]
    weekly = _weekly_orders(pl.concat(both))
    size = current["week"].n_unique()
    falls = [0.0]
    for weeks in (size, max(size // 2, 1)):
        ends = [len(weekly), *range(len(weekly) - size, weeks - 1, -weeks)]
        falls.append(_fall([_level(weekly, end, weeks) for end in ends if end - weeks >= len(weekly) - size - YEAR]))
        growths = [_growth(weekly, end, weeks) for end in ends if end - weeks >= YEAR]
        if len(growths) * weeks > EARLIER * size:
            falls.append(_fall(growths))
    return exp(max(falls))


def _weekly_orders(rows: pl.DataFrame) -> Floats:
    """Orders of all SKUs, summed per week from the first to the last, (weeks,); 0 in weeks without a row."""
    weekly = rows.group_by("week").agg(pl.col("orders").sum()).sort("week").upsample("week", every="1w")
    return weekly["orders"].fill_null(0.0).to_numpy()


def _level(weekly: Floats, end: int, weeks: int) -> Level:
    """Mean orders of the weeks with any before the place `end`: silent weeks have a measure of their own."""
    orders = weekly[end - weeks : end]
    orders = orders[orders > 0]
    return Level(log(orders.mean()), 1.0 / orders.sum()) if len(orders) else Level(nan, nan)


def _growth(weekly: Floats, end: int, weeks: int) -> Level:
    """The level against that of a year before."""
    now, then = _level(weekly, end, weeks), _level(weekly, end - YEAR, weeks)
    return Level(now.log - then.log, now.variance + then.variance)


def _fall(levels: Sequence[Level]) -> float:
    """How far the first level lies below the lowest of the others, less two standard errors; 0 where none is known."""
    now, *earlier = levels
    lowest = min((level for level in earlier if isfinite(level.log)), default=now)
    fall = lowest.log - now.log - 2.0 * sqrt(now.variance + lowest.variance)
    return fall if isfinite(fall) else 0.0
