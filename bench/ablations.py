"""What each part of the network is worth: the same network without it, on the same markets."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bench.case import Case
from demand.network.export import to_onnx
from demand.network.network import DemandNetwork
from demand.network.session import NetworkSession
from demand.network.settings import network_settings
from demand.price_list import price_list
from demand.train import Trained

Floats = NDArray[np.float64]
POSTERIOR = slice(2, 5)  # of a SKU's effects: the three numbers of the posterior's Cholesky factor
Ablation = Callable[[Case, Trained, Mapping[str, Any]], pl.DataFrame]


def without_hierarchy(case: Case, trained: Trained, params: Mapping[str, Any]) -> pl.DataFrame:
    """Price list of curves that learn nothing from the other SKUs."""
    return _refitted(case, trained, params, {"pooling": False})


def without_control(case: Case, trained: Trained, params: Mapping[str, Any]) -> pl.DataFrame:
    """Price list of curves that blame the price for all that moved units: a level, and no seasons or weeks."""
    return _refitted(case, trained, params, {"control": False})


def without_posterior(case: Case, trained: Trained, params: Mapping[str, Any]) -> pl.DataFrame:
    """Price list of the same curves taken for certain: the posterior means of slope and curvature decide alone."""
    effects = trained.catalog["effects"].copy()
    effects[:, POSTERIOR] = 0.0
    anchored = case.catalog.with_columns(pl.Series("anchor_price", trained.catalog["anchor_price"]))
    return price_list(
        NetworkSession(trained.models["network"]), anchored, trained.catalog["features"], effects, params["price"]
    )


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
    place = {code: i for i, code in enumerate(network.curves.codes)}
    index = np.array([place[code] for code in case.catalog["stock_code"]])
    anchored = case.catalog.with_columns(pl.Series("anchor_price", network.curves.anchor[index]))
    session = NetworkSession(to_onnx(network, int(own["draws"]), int(own["seed"])))
    effects = network.effects(ahead, index)
    return price_list(session, anchored, ahead.inputs[:, : len(case.features)], effects, params["price"])
