"""LightGBM as most would use it: forecast units from all columns and read the curve off, plain or monotone."""

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bench.case import Case
from pricewright.core.price_features import PRICE_FEATURES, price_features

Floats = NDArray[np.float64]
TREES = 500
SETTINGS: dict[str, Any] = {
    "learning_rate": 0.03,
    "num_leaves": 31,
    "min_data_in_leaf": 50,
    "feature_fraction": 0.6,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "seed": 1,
    "verbosity": -1,
    "deterministic": True,
    "force_col_wise": True,
}


def plain(case: Case) -> Floats:
    """Prices (n,) by a booster that may bend the curve as it likes."""
    return _read_off(case, monotone=False)


def monotone(case: Case) -> Floats:
    """Prices (n,) by a booster whose curve may only fall."""
    return _read_off(case, monotone=True)


def fit_booster(
    rows: pl.DataFrame, features: tuple[str, ...], target: Floats, objective: str, *, monotone: bool
) -> Any:
    """500 trees on [features | what is derived from the price]."""
    import lightgbm

    settings = {**SETTINGS, "objective": objective}
    if monotone:
        settings["monotone_constraints"] = [0] * len(features) + [-1] * len(PRICE_FEATURES)
    data = lightgbm.Dataset(inputs(rows, features), label=target, params={"verbosity": -1})
    return lightgbm.train(settings, data, num_boost_round=TREES)


def inputs(rows: pl.DataFrame, features: tuple[str, ...]) -> NDArray[np.float32]:
    """(n, k + 3) of panel rows at their own price."""
    prices = (rows[name].to_numpy() for name in ("price", "reference_price", "last_price"))
    return np.hstack([rows.select(features).to_numpy().astype(np.float32), price_features(*prices)])


def sweep(case: Case) -> NDArray[np.float32]:
    """(m x CANDIDATES, k + 3): the coming week of every catalog SKU at every candidate price."""
    grid = case.grid
    coming = case.catalog.select("stock_code").join(case.coming, on="stock_code", how="left", maintain_order="left")
    features = np.repeat(coming.select(case.features).to_numpy().astype(np.float32), grid.shape[1], axis=0)
    reference, last = (np.repeat(coming[name].to_numpy(), grid.shape[1]) for name in ("reference_price", "last_price"))
    return np.hstack([features, price_features(grid.ravel(), reference, last)])


def _read_off(case: Case, *, monotone: bool) -> Floats:
    booster = fit_booster(case.listed, case.features, case.listed["units"].to_numpy(), "poisson", monotone=monotone)
    units = np.asarray(booster.predict(sweep(case)), dtype=np.float64)
    return case.best_prices(units.reshape(case.grid.shape))
