"""Walks forward: what each model, knowing the weeks before only, says of a week, and how far off it was."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import polars as pl

from pricewright.backtest import backtest_rows, measure
from pricewright.backups import model_names
from pricewright.backups.inputs import read_inputs
from pricewright.backups.trained import judge_backup
from pricewright.core.errors import ModelError
from pricewright.core.models import NETWORK
from pricewright.feature import FEATURES, build_panel
from pricewright.network.settings import network_settings
from pricewright.train import check_weeks, walk_network, walked_rows


def walk_week(
    transactions: pl.DataFrame,
    week: date,
    hyperparameters: Mapping[str, Mapping[str, Any]],
    params: Mapping[str, Any],
    models: Sequence[str] | None = None,
) -> pl.DataFrame:
    """Forecasts of all SKUs for one week (a Monday) as in backtest.parquet, made by models of the weeks before it.

    transactions: as they were known at the end of that week (ingest/hindsight.py), for a panel of today knows
    which SKUs will sell, and what will be cancelled. `params` is all of params.yaml. Raises SourceError or ModelError
    when the history is too short, or the shop was closed in that week. models: all of them, unless named.
    """
    panel = build_panel(transactions, params["feature"], last_week=week).rows
    if panel.filter(pl.col("week") == week).is_empty():
        raise ModelError(f"no SKU of the panel was on sale in the week of {week}.", hint="was the shop closed?")
    params = {**params, "train": {**params["train"], "backtest_weeks": 1}}
    check_weeks(panel, params)
    own = params["train"]
    parts = []
    for model in models or model_names():
        if model == NETWORK:
            settings = network_settings(params, hyperparameters[model], own["network"])
            parts.append(walked_rows(walk_network(panel, FEATURES, settings, params)))
        else:
            _, forecast, tested = judge_backup(
                model,
                read_inputs(panel, FEATURES),
                hyperparameters[model],
                int(own["seed"]),
                backtest_weeks=1,
                calibration_weeks=int(own["calibration_weeks"]),
            )
            parts.append(backtest_rows(panel.filter(pl.Series(tested)), model, forecast))
    return pl.concat([part.sort("stock_code") for part in parts])


def score_week(forecasts: pl.DataFrame) -> pl.DataFrame:
    """One row per model: week, model and the measures of the backtest."""
    week = forecasts["week"][0]
    rows = [{"week": week, "model": model, **values} for model, values in measure(forecasts).items()]
    return pl.DataFrame(rows).with_columns(pl.col("rows").cast(pl.Int64))
