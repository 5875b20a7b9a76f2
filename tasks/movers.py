"""The prices of a list that are to move most: by the sales that are expected of the move, given how sure it is."""

import io
from typing import Any

import polars as pl

SHOWN = ("stock_code", "description", "current_price", "optimal_price", "sales_uplift", "uplift_probability")


def read_price_list(body: bytes) -> pl.DataFrame:
    """The table of price_list.parquet."""
    return pl.read_parquet(io.BytesIO(body))


def by_expected_gain(prices: pl.DataFrame) -> pl.DataFrame:
    """The list, the largest expected gain first; the most valuable SKUs where none moves."""
    gain = (pl.col("expected_sales") - pl.col("current_expected_sales")) * pl.col("uplift_probability").fill_null(0.5)
    return prices.sort([gain, pl.col("current_expected_sales")], descending=True)


def biggest_moves(prices: pl.DataFrame, count: int) -> list[dict[str, Any]]:
    """Rows of the SKUs whose price moves, the largest expected gain first."""
    moving = prices.filter(pl.col("optimal_price") != pl.col("current_price"))
    return by_expected_gain(moving).head(count).select(SHOWN).to_dicts()


def count_moves(prices: pl.DataFrame) -> str:
    """How many prices of the list are to be changed, and what for."""
    moving = prices.filter(pl.col("optimal_price") != pl.col("current_price"))
    before = float(prices["current_expected_sales"].sum())
    uplift = float(prices["expected_sales"].sum()) / before - 1 if before > 0 else 0.0
    return f"{moving.height:,} of {prices.height:,} prices move, {uplift:+.1%} weekly sales expected"
