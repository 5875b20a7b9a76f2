"""The backtest: what every model said, one week ahead, about the last full weeks; and how far off it was."""

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pricewright.core.forecast import Forecast

COLUMNS = (
    "stock_code", "week", "price", "units", "model", "predicted_units", "predicted_median", "predicted_log1p",
    "predicted_low", "predicted_high",
)  # fmt: skip


def in_stock(rows: pl.DataFrame) -> pl.DataFrame:
    """The panel rows of weeks in which the SKU could be bought: the others say nothing about a model."""
    return rows.filter(pl.col("in_stock").fill_null(True)) if "in_stock" in rows.columns else rows


def backtest_rows(rows: pl.DataFrame, model: str, forecast: Forecast) -> pl.DataFrame:
    """One model's part of backtest.parquet; rows (stock_code, week, price, units) in the order of the forecast."""
    return rows.select("stock_code", "week", "price", "units").with_columns(
        pl.lit(model).alias("model"),
        pl.Series("predicted_units", forecast.mean),
        pl.Series("predicted_median", forecast.median),
        pl.Series("predicted_log1p", forecast.log1p),
        pl.Series("predicted_low", forecast.low),
        pl.Series("predicted_high", forecast.high),
    )


def measure(backtest: pl.DataFrame) -> dict[str, dict[str, float]]:
    """Measures by model, each of the prediction that it is a measure of.

    mse_log and rmsle: of the mean log; mae and wape (sum |error| / sum units): of the median; bias: sum of the
    predicted means over sum of units; coverage: share of the units inside the 90 % interval.
    """
    return {str(name): _measures(part) for (name,), part in backtest.group_by("model", maintain_order=True)}


def _measures(part: pl.DataFrame) -> dict[str, float]:
    def column(name: str) -> NDArray[np.float64]:
        return part[name].to_numpy().astype(np.float64)

    units = column("units")
    squared = (column("predicted_log1p") - np.log1p(units)) ** 2
    error = np.abs(column("predicted_median") - units)
    inside = (units >= column("predicted_low")) & (units <= column("predicted_high"))
    sold = max(float(units.sum()), 1e-9)
    numbers: dict[str, Any] = {
        "rmsle": np.sqrt(squared.mean()),
        "mse_log": squared.mean(),
        "mae": error.mean(),
        "wape": error.sum() / sold,
        "bias": column("predicted_units").sum() / sold,
        "coverage": inside.mean(),
        "rows": len(part),
    }
    return {name: float(value) for name, value in numbers.items()}
