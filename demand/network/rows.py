"""What the feedforward part sees of a row: the features, and what its SKU's curve says of the weeks before.

Past weeks were sold at past prices. The curve's effect of those prices stands beside the lags, so that the
network can tell a week that was low from a week that was dear.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from demand.network.curves import Curves
from demand.price_features import SAME_PRICE

Floats = NDArray[np.float64]
EFFECT_LAGS = 4
CHANGE_WEEKS = 8
HISTORY = (*(f"log_effect_lag_{k}" for k in range(1, EFFECT_LAGS + 1)), "change_lag_1", "change_share", "change")


@dataclass(frozen=True)
class Rows:
    """N rows in order of SKU and week: inputs (N, k + h), log price effect, base level, units and week number, (N,)."""

    inputs: NDArray[np.float32]
    effect: Floats
    base: Floats
    units: Floats
    week: NDArray[np.int64]
    coming: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.effect)

    def __getitem__(self, rows: NDArray[np.bool_]) -> "Rows":
        """The marked rows only."""
        return Rows(
            self.inputs[rows], self.effect[rows], self.base[rows], self.units[rows], self.week[rows], self.coming[rows]
        )


def mean_log_effect(curves: Curves, sku: NDArray[np.int64], price: Floats, cap: float) -> Floats:
    """Log units at the price over log units at the anchor, along each SKU's mean curve; (N,).

    Prices further than `cap` (log ratio) from the anchor count as that far: such weekly prices are mixtures of
    sales channels rather than prices anybody set.
    """
    x = np.clip(np.log(price / curves.anchor[sku]), -cap, cap)
    slope = np.logaddexp(0.0, curves.mean[sku, 0])
    cx = np.logaddexp(0.0, curves.mean[sku, 1]) * x
    near = np.abs(cx) < 1e-3
    quotient = np.expm1(cx) / np.where(near, 1.0, cx)
    effect: Floats = -slope * x * np.where(near, 1 + cx / 2, quotient)
    return effect


def rows_of(panel: pl.DataFrame, features: Sequence[str], curves: Curves, base: str, cap: float) -> Rows:
    """The rows of the SKUs that have a curve; rows without units are weeks to come.

    panel: stock_code, week, units, price and the features, in any order; base: the feature that holds a rough log
    level, from which the network departs.
    """
    order = {code: i for i, code in enumerate(curves.codes)}
    panel = panel.filter(pl.col("stock_code").is_in(list(order))).sort("stock_code", "week")
    sku = panel["stock_code"].replace_strict(order, return_dtype=pl.Int64).to_numpy()
    price = panel["price"].to_numpy().astype(np.float64)
    effect = mean_log_effect(curves, sku, price, cap)
    history = _history(sku, np.log(price), effect, panel["units"].is_null().to_numpy())
    inputs = np.column_stack([panel.select(features).to_numpy(), history]).astype(np.float32)
    return Rows(
        inputs=inputs,
        effect=effect,
        base=np.log(np.expm1(np.maximum(panel[base].to_numpy().astype(np.float64), 0.0)) + 0.1),
        units=panel["units"].fill_null(0).to_numpy().astype(np.float64),
        week=panel["week"].rank("dense").to_numpy().astype(np.int64) - 1,
        coming=panel["units"].is_null().to_numpy(),
    )


def _history(sku: NDArray[np.int64], log_price: Floats, effect: Floats, coming: NDArray[np.bool_]) -> Floats:
    """The columns HISTORY, (N, h). A recorded change of price is a sign of a sale, since only sold weeks have a
    price of their own; it is kept as a nuisance beside the curve. Of a week to come its usual share is expected.
    """
    first = np.r_[True, sku[1:] != sku[:-1]]
    start = np.maximum.accumulate(np.where(first, np.arange(len(sku)), 0))
    before = [np.maximum(np.arange(len(sku)) - k, start) for k in range(1, CHANGE_WEEKS + 1)]
    change = (np.abs(log_price - log_price[before[0]]) > SAME_PRICE).astype(np.float64)
    share = np.mean([change[index] for index in before], axis=0)
    lags = [effect[index] for index in before[:EFFECT_LAGS]]
    return np.column_stack([*lags, change[before[0]], share, np.where(coming, share, change)])
