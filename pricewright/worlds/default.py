"""The default market: the source of a run without a file. Its demand is known, so its plan can be judged.

`market.kind` names a world of pricewright/worlds; where it is empty, `market.regime` names a market of market.py.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pricewright.worlds import World, simulate_world
from pricewright.worlds.market import Market, simulate

Floats = NDArray[np.float64]
MOVED = 1e-6  # a smaller relative change of price counts as none


def open_market(params: Mapping[str, Any]) -> World | Market:
    """The shop that the section `market` describes. Raises ParameterError for a kind or regime that there is not."""
    return simulate_world(params) if params["kind"] else simulate(params)


def simulated_lines(params: Mapping[str, Any]) -> pl.DataFrame:
    """Its sales lines, messy as real ones."""
    return open_market(params).transactions(params)


def true_uplift(params: Mapping[str, Any], price_list: pl.DataFrame) -> float:
    """What the price list truly brings in the coming week: expected sales over those at current prices, less 1.

    Counts the SKUs of the price list; a SKU whose price stays is sold at the market's own current price.
    """
    market = open_market(params)
    rows = pl.DataFrame({"stock_code": [code.upper() for code in market.codes]})
    rows = rows.join(price_list, on="stock_code", how="left", maintain_order="left")
    current, optimal = (rows[name].cast(pl.Float64).to_numpy() for name in ("current_price", "optimal_price"))
    now = market.now if isinstance(market, World) else market.prices[:, -1]
    chosen = np.where(np.abs(np.nan_to_num(optimal / current, nan=1.0) - 1) > MOVED, optimal, now)
    listed = rows["optimal_price"].is_not_null().to_numpy()
    return float(_sales(market, chosen)[listed].sum() / _sales(market, now)[listed].sum() - 1)


def _sales(market: World | Market, prices: Floats) -> Floats:
    """True expected sales of every SKU, (n,)."""
    if isinstance(market, World):
        return np.asarray(market.sales(prices), dtype=np.float64)
    return np.array([float(p * market.expected_units(i, p)) for i, p in enumerate(prices)])
