"""EconML's double machine learning: the effect of the log price, with what moves both taken out by LightGBM.

An extra of the bench, not a dependency of the product: `make bench-model` installs it.
"""

import os
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bench.case import Case

Floats = NDArray[np.float64]
FOLDS = 3  # stretches of consecutive weeks
FOREST_TREES = 100  # a multiple of 4, as EconML asks


def linear(case: Case) -> Floats:
    """Prices (n,) by LinearDML: an elasticity linear in the SKU's attributes."""
    from econml.dml import LinearDML

    return _prices(case, LinearDML(model_y=_learner(), model_t=_learner(), cv=_folds(case.listed), random_state=1))


def forest(case: Case) -> Floats:
    """Prices (n,) by CausalForestDML: an elasticity that a forest splits by the SKU's attributes."""
    from econml.dml import CausalForestDML

    settings: dict[str, Any] = {"n_estimators": FOREST_TREES, "n_jobs": os.cpu_count(), "random_state": 1}
    return _prices(case, CausalForestDML(model_y=_learner(), model_t=_learner(), cv=_folds(case.listed), **settings))


def attributes(rows: pl.DataFrame, codes: list[str]) -> Floats:
    """(m, 4) standardised: usual log units and log price, spread of the log price, share of weeks without sales."""
    table = rows.group_by("stock_code").agg(
        (pl.col("units").mean() + 0.1).log().alias("units"),
        pl.col("price").median().log().alias("price"),
        pl.col("price").log().std().fill_null(0.0).alias("spread"),
        (pl.col("units") == 0).mean().alias("zero"),
    )
    table = pl.DataFrame({"stock_code": codes}).join(table, on="stock_code", how="left", maintain_order="left")
    values = table.drop("stock_code").fill_null(strategy="mean").to_numpy().astype(np.float64)
    return np.asarray((values - values.mean(axis=0)) / np.maximum(values.std(axis=0), 1e-9))


def _prices(case: Case, estimator: Any) -> Floats:
    codes = case.catalog["stock_code"].to_list()
    own = attributes(case.listed, codes)
    index = {code: i for i, code in enumerate(codes)}
    rows = case.listed.filter(pl.col("stock_code").is_in(codes))
    x = own[[index[code] for code in rows["stock_code"]]]
    treatment = (rows["price"] / rows["reference_price"]).log().to_numpy()
    outcome = rows["units"].log1p().to_numpy()
    estimator.fit(outcome, treatment, X=x, W=rows.select(case.features).to_numpy().astype(np.float64))
    return case.best_prices(case.elasticity_curve(estimator.const_marginal_effect(own).reshape(-1)))


def _folds(rows: pl.DataFrame) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    week = rows["week"].rank("dense").to_numpy().astype(np.int64) - 1
    fold = week * FOLDS // (week.max() + 1)
    return [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(FOLDS)]


def _learner() -> Any:
    from lightgbm import LGBMRegressor

    return LGBMRegressor(
        n_estimators=100,
        num_leaves=31,
        n_jobs=os.cpu_count(),
        min_child_samples=50,
        subsample=0.8,
        random_state=1,
        verbose=-1,
    )
