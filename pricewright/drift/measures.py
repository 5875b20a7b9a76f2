"""What the drift gate measures: which columns can drift, assortment, prices, quantities and orders."""

from collections.abc import Sequence
from fnmatch import fnmatch
from math import exp, isfinite, log, nan, sqrt
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pricewright.core.price_features import log_price_ratio
from pricewright.items import parts

JUMP = log(2)
FEW = 10  # SKUs; the median of fewer moves with their own prices, which price_jumps alone judges then
Floats = NDArray[np.float64]
YEAR = 52  # weeks
EARLIER = 3  # windows whose growth is known: the least of fewer is mostly chance
# Below one unit a week, a mean of some weeks is mostly chance; half a unit more on both sides tames what is left.
LEAST_UNITS = 1.0
PSEUDO_UNITS = 0.5


def numeric_columns(rows: pl.DataFrame) -> list[str]:
    """All columns of numbers, in the order of the panel."""
    return [name for name, kind in rows.schema.items() if kind.is_numeric()]


def calendar_columns(rows: pl.DataFrame) -> set[str]:
    """Columns with one value per week for all SKUs: eight weeks of a year never look like the year."""
    names = numeric_columns(rows)
    most = rows.group_by("week").agg(pl.col(names).n_unique()).select(pl.col(names).max()).row(0)
    return {name for name, count in zip(names, most, strict=True) if count <= 1}


def judged_columns(reference: pl.DataFrame, not_judged: Sequence[str]) -> list[str]:
    """Numeric columns but those of the calendar and those that the patterns `not_judged` name."""
    calendar = calendar_columns(reference)
    return [
        name
        for name in numeric_columns(reference)
        if name not in calendar and not any(fnmatch(name, pattern) for pattern in not_judged)
    ]


def constant_columns(
    reference: pl.DataFrame, current: pl.DataFrame, share: float, not_judged: Sequence[str] = ()
) -> list[str]:
    """Columns with one value in `current` whose most frequent value in the reference fills less than `share`.

    A rare feature (a promotion that one row in a thousand has) may be absent for some weeks; it is not frozen. Nor
    are the columns that `not_judged` names: an age that ends at a cap is the same for all SKUs once none is new.
    """
    constant = [
        name
        for name in judged_columns(reference, not_judged)
        if name in current.columns and current[name].n_unique() == 1
    ]
    return [name for name in constant if _most_frequent_share(reference[name]) < share]


def missing_values(reference: pl.DataFrame, current: pl.DataFrame) -> dict[str, float]:
    """By column, how far the share of rows without a finite value rose, the most first; 1 for a column that is gone."""
    rises = {
        name: _unusable_share(current[name]) - _unusable_share(reference[name]) if name in current.columns else 1.0
        for name in numeric_columns(reference)
    }
    return dict(sorted(rises.items(), key=lambda rise: -rise[1]))


def _most_frequent_share(column: pl.Series) -> float:
    counts = column.value_counts(name="rows")["rows"]
    return float(counts.max()) / len(column)  # type: ignore[arg-type]


def _unusable_share(column: pl.Series) -> float:
    return 1.0 - float(column.cast(pl.Float64, strict=False).is_finite().fill_null(False).mean())  # type: ignore[arg-type]


def last_weeks(rows: pl.DataFrame, weeks: int) -> pl.DataFrame:
    """The rows of the last `weeks` weeks."""
    newest = rows["week"].unique().sort().tail(weeks)
    return rows.filter(pl.col("week").is_in(newest.implode()))


def usual_of(reference: pl.DataFrame, weeks: int) -> pl.DataFrame:
    """One row per SKU: price and units_per_order (medians of its selling weeks), units (mean of all its weeks),
    selling_share and selling_weeks, over the last `weeks` weeks of the reference."""
    sold = pl.col("sold")
    return (
        last_weeks(reference, weeks)
        .group_by("stock_code")
        .agg(
            usual_price=pl.col("price").filter(sold).median(),
            usual_units_per_order=(pl.col("units") / pl.col("orders")).filter(sold).median(),
            usual_units=pl.col("units").mean(),
            selling_share=sold.mean(),
            selling_weeks=sold.sum(),
        )
        .sort("stock_code")
    )


def by_sku(rows: pl.DataFrame) -> pl.DataFrame:
    """Of a chain, the rows of each SKU in all its zones together: in a thin zone a week without a sale says little."""
    if "store" not in rows.columns or not rows["store"].count():
        return rows
    keys = rows["stock_code"].unique()
    code = pl.col("stock_code").replace_strict(keys, parts(keys, parted=True)["stock_code"])
    return (
        rows.with_columns(code.alias("stock_code"))
        .group_by("stock_code", "week")
        .agg(pl.col("units", "orders").sum(), pl.col("price").mean(), pl.col("sold").any())
        .sort("stock_code", "week")
    )


def as_factor(log_ratio: float | None) -> float:
    """A log ratio as a factor of at least 1, the same for twice and for half; NaN when nothing was comparable."""
    return nan if log_ratio is None else exp(min(abs(log_ratio), 700.0))


def missing_skus(reference: pl.DataFrame, current: pl.DataFrame) -> float:
    """Share of the SKUs that sold in the last weeks of the reference (as many as `current` has) and no longer do."""
    lately = last_weeks(reference, current["week"].n_unique()).filter("sold")["stock_code"].unique()
    now = current.filter("sold")["stock_code"].unique()
    return _share_outside(lately, now)


def new_skus(reference: pl.DataFrame, current: pl.DataFrame) -> float:
    """Share of the SKUs that sell now and never did in the reference."""
    ever = reference.filter("sold")["stock_code"].unique()
    now = current.filter("sold")["stock_code"].unique()
    return _share_outside(now, ever)


def steady_sellers_missing(current: pl.DataFrame, usual: pl.DataFrame, least: int) -> float:
    """How far the number of steady sellers that sold fell short of the expected one, as a share, in the worst week.

    Steady sellers are the quarter of the SKUs (at least `least`) with the most selling weeks. A week without any
    sale is left to `silent_weeks`: shops close around Christmas.
    """
    count = max(usual.height // 4, least)
    steady = usual.sort(["selling_weeks", "stock_code"], descending=[True, False]).head(count)
    open_weeks = current.filter("sold")["week"].unique()
    sold = current.filter("sold").join(steady, on="stock_code", how="semi").group_by("week").len()
    weekly = pl.DataFrame({"week": open_weeks}).join(sold, on="week", how="left").fill_null(0)
    expected = steady["selling_share"].sum()
    if weekly.is_empty() or expected == 0:
        return float("nan")
    return float(1.0 - weekly["len"].min() / expected)  # type: ignore[operator]


def zero_share_change(reference: pl.DataFrame, current: pl.DataFrame, weeks: int) -> float:
    """How much the share of SKU-weeks without a sale moved against the last `weeks` weeks of the reference."""
    before = last_weeks(reference, weeks)["sold"].mean()
    return abs(float(current["sold"].mean()) - float(before))  # type: ignore[arg-type]


def silent_weeks(current: pl.DataFrame) -> float:
    """Weeks between the first and the last of `current` in which nothing was sold, or of which no row is there."""
    first, last = current["week"].min(), current["week"].max()
    all_weeks = (last - first).days // 7 + 1  # type: ignore[operator, union-attr]
    return float(all_weeks - current.filter("sold")["week"].n_unique())


def _share_outside(codes: pl.Series, known: pl.Series) -> float:
    """Share of the codes that are not among the known ones; NaN of no codes."""
    inside = codes.is_in(known.implode()).mean()
    return float("nan") if inside is None else 1.0 - float(inside)  # type: ignore[arg-type]


def price_level(current: pl.DataFrame, usual: pl.DataFrame) -> float:
    """Price over usual price of the median SKU that sold, as a factor >= 1, in the week that is furthest from 1.

    1 where FEW are too few.
    """
    ratios = _ratios(current, usual)
    if 0 < ratios["stock_code"].n_unique() < FEW:
        return 1.0
    weekly = ratios.group_by("week").agg(pl.col("log_ratio").median().abs())
    return as_factor(weekly["log_ratio"].max())  # type: ignore[arg-type]


def price_shift(current: pl.DataFrame, usual: pl.DataFrame) -> float:
    """Price over usual price of the median SKU, each by the median of all its weeks, as a factor >= 1.

    Tax put in or taken out moves it by a fifth for good; the promotions and price steps of some weeks do not. 1 where
    FEW are too few.
    """
    ratios = _ratios(current, usual).group_by("stock_code").agg(pl.col("log_ratio").median())
    if 0 < ratios.height < FEW:
        return 1.0
    return as_factor(ratios["log_ratio"].median())  # type: ignore[arg-type]


def price_jumps(current: pl.DataFrame, usual: pl.DataFrame) -> float:
    """Share of the SKUs that sold at under half or over twice their usual price, in the worst week."""
    weekly = _ratios(current, usual).group_by("week").agg((pl.col("log_ratio").abs() > JUMP).mean())
    worst = weekly["log_ratio"].max()
    return float("nan") if worst is None else float(worst)  # type: ignore[arg-type]


def _ratios(current: pl.DataFrame, usual: pl.DataFrame) -> pl.DataFrame:
    """stock_code, week and log(price / usual price) of every SKU and week that sold and has a usual price."""
    sold = current.filter("sold").join(usual, on="stock_code").drop_nulls(["price", "usual_price"])
    ratio = log_price_ratio(sold["price"].to_numpy(), sold["usual_price"].to_numpy())
    return sold.select("stock_code", "week", pl.Series("log_ratio", ratio))


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
    """Mean orders of the weeks with any before the index `end`: silent weeks have a measure of their own."""
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
