"""What the feedforward part sees of a row: the features, and what its SKU's curve says of the weeks before.

Past weeks were sold at past prices. The curve's effect of those prices stands beside the lags, so that the
network can tell a week that was low from a week that was dear.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray

from pricewright.core.price_features import SAME_PRICE
from pricewright.network.curves import Curves
from pricewright.network.families import log_sums
from pricewright.network.grid import Grid, grid_of

Floats = NDArray[np.float64]
EFFECT_LAGS = 4
CHANGE_WEEKS = 8
RECENT_WEEKS = 4  # of the fitted weeks say how a family's units are shared in the weeks after them
HISTORY = (*(f"log_effect_lag_{k}" for k in range(1, EFFECT_LAGS + 1)), "change_lag_1", "change_share", "change")


@dataclass(frozen=True)
class Rows:
    """N rows in order of SKU and week: inputs (N, k + h), log price effect, base level, units and week number, (N,).

    coming: weeks whose units nobody knows; seen: the SKU was in stock.
    """

    inputs: NDArray[np.float32]
    effect: Floats
    base: Floats
    units: Floats
    week: NDArray[np.int64]
    coming: NDArray[np.bool_]
    seen: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.effect)

    def __getitem__(self, rows: NDArray[np.bool_]) -> "Rows":
        """The marked rows only."""
        return Rows(*(getattr(self, field.name)[rows] for field in fields(self)))


def mean_log_effect(curves: Curves, grid: Grid, cap: float) -> Floats:
    """What prices and promotions of all SKUs do to the log units of each, along the mean curves; (n, T).

    The SKUs of the grid are those of the curves, in their order. Prices further than `cap` (log ratio) from the anchor
    count as that far: such weekly prices are mixtures of sales channels rather than prices anybody set.
    """
    x = np.clip(grid.log_price_ratio, -cap, cap)
    slope, curvature = curves.slope[:, None], np.logaddexp(0.0, curves.mean[:, 1, None])
    cx = curvature * x
    near = np.abs(cx) < 1e-3
    regular = -slope * x * np.where(near, 1 + cx / 2, np.expm1(cx) / np.where(near, 1.0, cx))
    depth, display, dip = (curves.promotion[:, k, None] for k in range(3))
    promotion = depth * np.minimum(grid.depth, cap) + display * grid.promotion
    base, own, cut, listed = map(torch.tensor, (_known_base(curves, grid), regular, promotion, grid.listed))
    shift = log_sums(base, own, cut, listed, torch.tensor(curves.family), torch.tensor(curves.coefficients)).shift
    effect: Floats = regular + promotion + shift.numpy() - dip * grid.dip
    return effect * grid.listed


def _known_base(curves: Curves, grid: Grid) -> Floats:
    """Log units at anchor prices in the weeks of the grid, (n, T): as fitted, of later weeks as in the last ones."""
    place = {week: t for t, week in enumerate(curves.weeks)}
    recent = curves.log_base[:, -RECENT_WEEKS:].mean(axis=1)
    known = [curves.log_base[:, place[week]] if week in place else recent for week in grid.weeks]
    return np.stack(known, axis=1)


def rows_of(panel: pl.DataFrame, features: Sequence[str], curves: Curves, base: str, cap: float) -> Rows:
    """The rows of the SKUs that have a curve; rows without units are weeks to come.

    panel: stock_code, week, units, price and the features, in any order, and list_price, promotion and in_stock where
    they are known; base: the feature that holds a rough log level, from which the network departs.
    """
    panel = panel.filter(pl.col("stock_code").is_in(list(curves.codes))).sort("stock_code", "week")
    chosen = curves.of(panel["stock_code"].unique().to_list())
    grid = grid_of(panel, 1, chosen.families, dict(zip(chosen.codes, chosen.anchor, strict=True)))
    chosen = chosen.of(grid.codes)
    sku = panel["stock_code"].replace_strict(grid.place, return_dtype=pl.Int64).to_numpy()
    week = panel["week"].rank("dense").to_numpy().astype(np.int64) - 1
    effect = mean_log_effect(chosen, grid, cap)[sku, week]
    log_price = grid.log_price_ratio[sku, week] - grid.depth[sku, week]
    history = _history(sku, log_price, effect, panel["units"].is_null().to_numpy())
    inputs = np.column_stack([panel.select(features).to_numpy(), history]).astype(np.float32)
    return Rows(
        inputs=inputs,
        effect=effect,
        base=np.log(np.expm1(np.maximum(panel[base].to_numpy().astype(np.float64), 0.0)) + 0.1),
        units=panel["units"].fill_null(0).to_numpy().astype(np.float64),
        week=week,
        coming=panel["units"].is_null().to_numpy(),
        seen=grid.seen[sku, week] > 0,
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
