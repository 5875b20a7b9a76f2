"""Prices against the usual price of their SKU. No season moves them: half of the SKUs never do, a currency does."""

from math import log

import polars as pl

from pricewright.core.price_features import log_price_ratio
from pricewright.drift.usual import as_factor

JUMP = log(2)
FEW = 10  # SKUs; the median of fewer moves with their own prices, which price_jumps alone judges then


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
