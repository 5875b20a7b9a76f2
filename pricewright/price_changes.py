"""The table of what earlier price changes were predicted to do, and what they did: price_changes.parquet."""

import polars as pl

SCHEMA: dict[str, type[pl.DataType]] = {
    "stock_code": pl.String,
    "week": pl.Date,
    "price_before": pl.Float64,
    "price_after": pl.Float64,
    "predicted_log_change": pl.Float64,  # of units
    "realised_log_change": pl.Float64,
    "predicted_low": pl.Float64,
    "predicted_high": pl.Float64,
    "kind": pl.String,
}


def no_price_changes() -> pl.DataFrame:
    """The table without a row."""
    return pl.DataFrame(schema=SCHEMA)
