"""`python -m bench.by_store WORK`: forecasts per store, by one model for the chain and by what one could pick instead.

WORK is the folder work/ of a run on a chain with a price in each store, such as refrigerated orange juice; our model is
judged by its backtest.parquet. The others forecast the same rows (store, SKU, week) from the same columns, as known
when the week began, and with the week's own price and promotion: LightGBM for the chain with the store as a feature, and
one LightGBM for each store. They are fitted once, on the weeks before the backtest.
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pricewright.backtest import in_stock
from pricewright.backups.inputs import read_inputs
from pricewright.feature import features_of
from pricewright.partitions import read_partitions
from testing.report import markdown

Floats = NDArray[np.float64]
WEEKS = 8  # of the backtest
CHAIN = {"num_leaves": 63, "min_data_in_leaf": 50}
STORE = {"num_leaves": 15, "min_data_in_leaf": 20}
ROUNDS, THREADS = 300, 1
SETTINGS = {"objective": "regression", "learning_rate": 0.05, "feature_fraction": 0.6, "bagging_fraction": 0.8,
            "bagging_freq": 1, "seed": 1, "num_threads": THREADS, "verbosity": -1}  # fmt: skip
NETWORK = "network"
HEADER = ("forecast per store, week and SKU", "RMSLE", "WAPE", "rows")
NAMES = {NETWORK: "one model for the chain: the network", "with_store": "LightGBM for the chain, the store a feature",
         "each_store": "one LightGBM for each store"}  # fmt: skip


def rows_of(work: Path) -> tuple[pl.DataFrame, pl.DataFrame | None]:
    """The panel rows of a run in which an item could be bought, and its backtest where it has one."""
    panel = in_stock(read_partitions(work / "panel")).sort("stock_code", "week")
    path = work / "backtest.parquet"
    return panel, pl.read_parquet(path) if path.exists() else None


def forecast(panel: pl.DataFrame, weeks: int = WEEKS, rounds: int = ROUNDS) -> pl.DataFrame:
    """stock_code, week, units and a log1p forecast of both rivals, for the rows of the last weeks that were sold."""
    columns = features_of(panel)
    inputs = read_inputs(panel, columns)
    promoted = panel["promotion"].fill_null(0.0).to_numpy()[:, None]  # as our model, they know of the week's promotion
    matrix = np.hstack([inputs.features, inputs.price, promoted])
    late = panel["week"].is_in(panel["week"].unique().sort().tail(weeks).implode()).to_numpy()
    store = panel["store"].cast(pl.Categorical).to_physical().to_numpy()
    with_store = np.column_stack([matrix, store])
    chain = _fit(with_store[~late], inputs.log_units[~late], CHAIN, rounds, [matrix.shape[1]])(with_store[late])
    own = np.full(int(late.sum()), np.nan)
    for inside in _stores(store):
        fitted = _fit(matrix[inside & ~late], inputs.log_units[inside & ~late], STORE, rounds)
        own[inside[late]] = fitted(matrix[inside & late]) if (inside & late).any() else []
    found = panel.filter(pl.Series(late)).select("stock_code", "week", "units")
    found = found.with_columns(with_store=pl.Series(chain), each_store=pl.Series(own))
    return found.filter(pl.col("units") > 0)


def _stores(store: NDArray[np.uint32]) -> Iterator[NDArray[np.bool_]]:
    for number in np.unique(store):
        yield store == number


def _fit(matrix, log_units, own, rounds, categories: Sequence[int] = ()):  # type: ignore[no-untyped-def]
    import lightgbm

    data = lightgbm.Dataset(matrix, label=log_units, categorical_feature=list(categories), params={"verbosity": -1})
    return lightgbm.train(SETTINGS | own, data, num_boost_round=rounds).predict


def table(rivals: pl.DataFrame, backtest: pl.DataFrame | None) -> list[list[str]]:
    """RMSLE and WAPE of each on the rows that all of them have; ours are left out where there is no backtest."""
    judged = rivals
    if backtest is not None:
        wide = backtest.filter(pl.col("model") == NETWORK)
        ours = wide.select("stock_code", "week", pl.col("predicted_log1p").alias(NETWORK), median="predicted_median")
        judged = rivals.join(ours, on=["stock_code", "week"], how="inner")
    units = judged["units"].to_numpy()
    return [
        _measured(NAMES[name], units, judged[name].to_numpy(), judged["median"].to_numpy() if name == NETWORK else None)
        for name in NAMES
        if name in judged.columns
    ]


def _measured(name: str, units: Floats, log1p: Floats, median: Floats | None) -> list[str]:
    predicted = np.expm1(log1p) if median is None else median
    rmsle, wape = np.sqrt(np.mean((log1p - np.log1p(units)) ** 2)), np.abs(predicted - units).sum() / units.sum()
    return [name, f"{rmsle:.3f}", f"{wape:.3f}", f"{len(units):,}"]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", type=Path)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    asked = parser.parse_args()
    panel, backtest = rows_of(asked.work)
    print(markdown(HEADER, table(forecast(panel, rounds=asked.rounds), backtest)))


if __name__ == "__main__":
    main()
