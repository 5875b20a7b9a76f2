"""Every SKU in every open week since its first sale, and in the coming one: zero weeks filled, prices carried."""

import polars as pl

from demand.feature.sales import ZERO_WHEN_UNSOLD


def fill_weeks(sales: pl.DataFrame, weeks: pl.DataFrame) -> pl.DataFrame:
    """One row per SKU and week from its first sale to the coming week, in order of stock_code and week.

    sales: as weekly_sales gives them; weeks: as open_weeks gives them. The coming week has no units and carries the
    list price; `sold` says in which weeks a SKU sold.
    """
    known = sales.join(weeks, on="week")
    coming = int(weeks["t"].max())  # type: ignore[arg-type]
    first = known.group_by("stock_code").agg(t=pl.col("t").min())
    cells = first.select("stock_code", t=pl.int_ranges("t", coming + 1)).explode("t")
    filled = cells.join(weeks, on="t").join(known.drop("t", "selling_days"), on=["stock_code", "week"], how="left")
    past = pl.col("t") < coming
    zeros = [pl.when(past).then(pl.col(name).fill_null(0.0)).alias(name) for name in ZERO_WHEN_UNSOLD]
    return (
        filled.sort("stock_code", "t")
        .with_columns(
            *zeros,
            *(pl.col(name).forward_fill().over("stock_code") for name in ("price", "list_price")),
            sold=pl.when(past).then(pl.col("units").fill_null(0.0) > 0),
        )
        .with_columns(price=pl.when(past).then("price").otherwise("list_price"))
        .sort("stock_code", "t")
    )


def usual_prices(grid: pl.DataFrame, reference_weeks: int) -> pl.DataFrame:
    """The grid with last_price (of the week before) and reference_price (median of the list prices of the
    `reference_weeks` weeks before); both are the first price in a SKU's first week."""
    listed = pl.col("list_price")
    usual = listed.shift(1).rolling_median(reference_weeks, min_samples=1)
    return grid.with_columns(
        last_price=pl.col("price").shift(1).fill_null(pl.col("price")).over("stock_code"),
        reference_price=usual.fill_null(listed).over("stock_code"),
    )
