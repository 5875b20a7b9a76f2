"""The panel as dense SKU x week tables, the shape in which the curves are fitted."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from demand.errors import ModelError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Grid:
    """n SKUs x T weeks. Before a SKU's first sale `seen` is 0 and units and log prices are 0.

    units, log_price_ratio, seen: (n, T); log_price_ratio is log(price / anchor), where the anchor (n,) is the
    reference price that the release keeps; attributes: (n, 2) standardised log units and log price of a SKU.
    """

    codes: tuple[str, ...]
    weeks: tuple[object, ...]
    units: Floats
    log_price_ratio: Floats
    seen: Floats
    anchor: Floats
    attributes: Floats

    def __len__(self) -> int:
        return len(self.codes)


def grid_of(panel: pl.DataFrame, anchor_weeks: int) -> Grid:
    """Pivot panel rows (stock_code, week, units, price); the anchor is the median of the last weekly prices.

    Where the panel has a list_price, the curves learn from that: it is what the shop asked for.
    Raises ModelError for an empty panel and for a price that is not positive.
    """
    if panel.is_empty():
        raise ModelError("the panel has 0 rows: at least one SKU with one week is needed.")
    panel = panel.with_columns(price=panel.get_column("list_price", default=panel["price"]))
    lowest = float(panel["price"].cast(pl.Float64).fill_null(0.0).to_numpy().min())
    if not lowest > 0:
        raise ModelError(f"the panel's lowest price is {lowest}: every weekly price must be > 0.")
    rows = panel.select("stock_code", "week", "units", "price").sort("stock_code", "week")
    codes = rows["stock_code"].unique(maintain_order=True)
    weeks = rows["week"].unique().sort()
    i = rows["stock_code"].rank("dense").to_numpy().astype(np.int64) - 1
    t = rows["week"].rank("dense").to_numpy().astype(np.int64) - 1
    units, price, seen = (np.zeros((len(codes), len(weeks))) for _ in range(3))
    units[i, t], price[i, t], seen[i, t] = rows["units"].to_numpy(), rows["price"].to_numpy(), 1.0
    recent = rows.group_by("stock_code", maintain_order=True).agg(pl.col("price").tail(anchor_weeks).median())
    anchor = recent["price"].to_numpy().astype(np.float64)
    ratio = np.where(seen > 0, np.log(np.where(seen > 0, price, 1.0) / anchor[:, None]), 0.0)
    mean_units = (units * seen).sum(axis=1) / seen.sum(axis=1)
    attributes = np.column_stack([_standardised(np.log(mean_units + 0.1)), _standardised(np.log(anchor))])
    return Grid(tuple(codes), tuple(weeks), units, ratio, seen, anchor, attributes)


def _standardised(values: Floats) -> Floats:
    standardised: Floats = (values - values.mean()) / max(float(values.std()), 1e-6)
    return standardised
