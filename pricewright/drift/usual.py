"""What is usual for a SKU: the last weeks of the reference, in medians that a bulk order does not move."""

from math import exp, nan

import polars as pl


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


def as_factor(log_ratio: float | None) -> float:
    """A log ratio as a factor of at least 1, the same for twice and for half; NaN when nothing was comparable."""
    return nan if log_ratio is None else exp(min(abs(log_ratio), 700.0))
