"""What the price list does to a segment: how far its prices move, and how many of them."""

import polars as pl

from pricewright.fairness.segments import KEY

CENT = 0.005  # a move is at least half a cent


def price_moves(price_list: pl.DataFrame, members: pl.DataFrame) -> pl.DataFrame:
    """One row per segment: price_change (mean of log(optimal / current price)), moved_share (of the SKUs).

    Both are NaN or missing for a segment of which a SKU has no price: whoever judges must not overlook it.
    """
    change = (pl.col("optimal_price") / pl.col("current_price")).log()
    moved = (pl.col("optimal_price") - pl.col("current_price")).abs() >= CENT
    return (
        members.join(price_list, on="stock_code", how="left")
        .group_by(KEY)
        .agg(price_change=change.fill_null(float("nan")).mean(), moved_share=moved.mean())
    )
