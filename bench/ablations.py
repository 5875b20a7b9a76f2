"""What each part of the network is worth: the same network without it, on the same markets."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bench.case import Case
from pricewright.core.substitution import Posterior
from pricewright.network.network import DemandNetwork, network_settings
from pricewright.price_list import plan_prices, price_list
from pricewright.train import Trained

Floats = NDArray[np.float64]
Ablation = Callable[[Case, Trained, Mapping[str, Any]], pl.DataFrame]


def without_hierarchy(case: Case, trained: Trained, params: Mapping[str, Any]) -> pl.DataFrame:
    """Price list of curves that learn nothing from the other SKUs."""
    return _refitted(case, trained, params, {"pooling": False})


def without_control(case: Case, trained: Trained, params: Mapping[str, Any]) -> pl.DataFrame:
    """Price list of curves that blame the price for all that moved units: a level, and no seasons or weeks."""
    return _refitted(case, trained, params, {"control": False})


def without_posterior(case: Case, trained: Trained, params: Mapping[str, Any]) -> pl.DataFrame:
    """Price list of the same curves taken for certain: the posterior means of slope and curvature decide alone."""
    known = Posterior.from_arrays(trained.catalog)
    certain = replace(known, own=np.zeros_like(known.own), shared=np.zeros_like(known.shared))
    priced = case.catalog.with_columns(pl.Series("current_price", trained.catalog["current_price"]))
    return _listed(certain, priced, np.ones(len(known)), params)


ABLATIONS: Mapping[str, Ablation] = {
    "without the hierarchy": without_hierarchy,
    "without the confounding control": without_control,
    "without the posterior": without_posterior,
}


def _refitted(case: Case, trained: Trained, params: Mapping[str, Any], changed: Mapping[str, Any]) -> pl.DataFrame:
    """The level of a SKU scales its sales at all prices alike, so one pass is enough for it; the curves decide."""
    own = params["train"]
    settings = network_settings(params, params["tune"]["defaults"]["network"], {**own["network"], "epochs": 1})
    settings["curves"] = {**settings["curves"], **changed}
    network = DemandNetwork.fit(case.rows, case.features, settings, int(own["seed"]))
    columns = [name for name in case.rows.columns if name in case.coming.columns]
    panel = pl.concat([case.rows.select(columns), case.coming.select(columns)], how="vertical_relaxed")
    rows = network.rows(panel)
    ahead = rows[rows.coming]
    codes = case.catalog["stock_code"].to_list()
    posterior = network.posterior(codes, network.levels(ahead))
    return _listed(posterior, case.catalog, network.curves.of(codes).informed, params)


def _listed(posterior: Posterior, catalog: pl.DataFrame, informed: Floats, params: Mapping[str, Any]) -> pl.DataFrame:
    own = params["train"]
    plan, products = plan_prices(posterior, catalog, informed, int(own["draws"]), int(own["seed"]), params["price"])
    return price_list(plan, products, catalog, [None] * catalog.height, params["price"])
