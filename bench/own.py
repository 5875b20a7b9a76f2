"""Our own models, each alone: the network's released price list, and what each backup would choose."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnxruntime
import polars as pl
from numpy.typing import NDArray

from bench.boosted import sweep
from bench.case import Case
from pricewright.core.forecast import units_from_log
from pricewright.train import Trained, train

Floats = NDArray[np.float64]


def release(case: Case, params: Mapping[str, Any]) -> Trained:
    """All of them by the train stage, with the hyperparameters that params.yaml starts from: nothing is tuned."""
    return train(case.rows, case.coming, case.catalog, params["tune"]["defaults"], params, features=case.features)


def network(case: Case, price_list: pl.DataFrame) -> Floats:
    """Prices (n,) of a price list."""
    return case.priced(in_order(case, price_list)["optimal_price"].to_numpy())


def backup(case: Case, trained: Trained, name: str) -> Floats:
    """Prices (n,) with the highest price x mean units by one backup, as it answers when the network cannot."""
    session = onnxruntime.InferenceSession(trained.models[name], providers=["CPUExecutionProvider"])
    log_units = np.asarray(session.run(["log_units"], {"rows": sweep(case)})[0], dtype=np.float64)
    units = units_from_log(log_units[:, 0], float(trained.catalog[f"smear_{name}"]))
    return case.best_prices(units.reshape(case.grid.shape))


def covered(case: Case, price_list: pl.DataFrame, truth: Floats) -> tuple[float, float]:
    """Share of SKUs whose true elasticity (n,) lies in the 90 % interval, and its correlation with the estimate."""
    own, true = in_order(case, price_list), truth[case.sku]
    low, high, middle = (own[name].to_numpy() for name in ("elasticity_low", "elasticity_high", "elasticity"))
    return float(((low <= true) & (true <= high)).mean()), float(np.corrcoef(middle, true)[0, 1])


def in_order(case: Case, price_list: pl.DataFrame) -> pl.DataFrame:
    """The price list in the order of the catalog."""
    return case.catalog.select("stock_code").join(price_list, on="stock_code", how="left", maintain_order="left")
