"""How well a segment's weeks were predicted: error, bias and how often the interval held."""

import polars as pl

from pricewright.fairness.segments import KEY


def accuracy(backtest: pl.DataFrame, members: pl.DataFrame) -> pl.DataFrame:
    """One row per segment: rows, wape (sum |units - median| / sum units), bias (sum of the predicted means / sum
    units), coverage (share of the weeks inside the 90 % interval). A segment that sold nothing has no finite wape.
    """
    error = (pl.col("units") - pl.col("predicted_median")).abs().sum()
    inside = pl.col("units").is_between("predicted_low", "predicted_high")
    return (
        members.join(backtest, on="stock_code")
        .group_by(KEY)
        .agg(
            rows=pl.len().cast(pl.Int64),
            wape=error / pl.col("units").sum(),
            bias=pl.col("predicted_units").sum() / pl.col("units").sum(),
            coverage=inside.mean(),
        )
    )
