"""A small simulated market as a panel, with the few features that the network cannot do without."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import yaml

from pricewright.worlds.market import Market

FEATURES = ("log_units_mean_8", "log_units_lag_1", "log_units_lag_2", "zero_share_8")
PARAMS: dict[str, Any] = yaml.safe_load((Path(__file__).parents[3] / "params.yaml").read_text())
QUICK = {"members": 2, "epochs": 3, "update_weeks": 20, "update_epochs": 1}


def panel_of(market: Market) -> pl.DataFrame:
    """The market's weeks as panel rows, from each SKU's first sale on."""
    rows = pl.DataFrame(
        {
            "stock_code": np.repeat(market.codes, len(market.weeks)),
            "week": list(market.weeks) * len(market.codes),
            "units": market.units.ravel(),
            "price": market.prices.ravel(),
        }
    ).sort("stock_code", "week")
    rows = rows.filter(pl.col("units").cum_sum().over("stock_code") > 0)
    log_units = pl.col("units").log1p().shift(1, fill_value=0.0)
    sold = (pl.col("units") == 0).cast(pl.Float64).shift(1, fill_value=0.0)
    features = {
        "log_units_mean_8": log_units.rolling_mean(8, min_samples=1),
        "log_units_lag_1": log_units,
        "log_units_lag_2": log_units.shift(1, fill_value=0.0),
        "zero_share_8": sold.rolling_mean(8, min_samples=1),
    }
    return rows.with_columns(
        *(feature.over("stock_code").cast(pl.Float32).alias(name) for name, feature in features.items())
    )
