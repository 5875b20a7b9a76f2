"""One simulated market as every competitor sees it: the panel that the product builds, and a range per SKU.

Prices, units and truth stay in the order of the market's SKUs; `sku` says where each catalog SKU stands there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pricewright.feature import FEATURES, build_panel
from pricewright.ingest import ingest_frame
from pricewright.worlds.market import Market, simulate

Floats = NDArray[np.float64]
WIDEN = 0.10  # of the observed price range: nobody, not even the oracle, may leave it
CANDIDATES = 60  # prices that a competitor chooses from, per SKU


@dataclass(frozen=True)
class Case:
    """rows, coming, catalog: the panel's; sku: (m,) index of each catalog SKU among the market's n SKUs.

    current, low, high: (n,) the last price and the range that may be chosen from.
    """

    market: Market
    rows: pl.DataFrame
    coming: pl.DataFrame
    catalog: pl.DataFrame
    features: tuple[str, ...]
    sku: NDArray[np.int64]
    current: Floats
    low: Floats
    high: Floats

    @property
    def listed(self) -> pl.DataFrame:
        """The rows as competitors get them: at list prices, so that nobody is beaten by a bulk order's price."""
        return self.rows.with_columns(price="list_price")

    @property
    def grid(self) -> Floats:
        """Candidate prices of the catalog's SKUs, (m, CANDIDATES), the current price among them."""
        low, high, current = (values[self.sku, None] for values in (self.low, self.high, self.current))
        steps = low + (high - low) * np.linspace(0.0, 1.0, CANDIDATES - 1)
        return np.sort(np.concatenate([steps, current], axis=1), axis=1)

    def best_prices(self, units: Floats) -> Floats:
        """(n,): the candidate with the highest price x units; units (m, CANDIDATES). Unknown SKUs keep their price."""
        grid = self.grid
        sales = np.where(np.isfinite(units), grid * units, -np.inf)
        best = grid[np.arange(len(grid)), sales.argmax(axis=1)]
        return self.priced(np.where(np.isfinite(units).all(axis=1), best, np.nan))

    def priced(self, prices: Floats) -> Floats:
        """(n,) prices within the range from those of the catalog's SKUs, (m,); nan keeps the last price."""
        chosen = self.current.copy()
        chosen[self.sku] = np.where(np.isfinite(prices), prices, chosen[self.sku])
        return np.clip(chosen, self.low, self.high)

    def elasticity_curve(self, elasticity: Floats) -> Floats:
        """Units on the grid, apart from a factor per SKU, under a constant elasticity (m,), nan where unknown."""
        return (self.grid / self.current[self.sku, None]) ** elasticity[:, None]


def open_case(params: Mapping[str, Any]) -> Case:
    """Simulate the market of params["market"], ring up its sales lines and build the panel, as a run would."""
    market = simulate(params["market"])
    panel = build_panel(
        ingest_frame(market.transactions(params["market"]), params["ingest"]).accepted, params["feature"]
    )
    index = {code.upper(): i for i, code in enumerate(market.codes)}
    codes = panel.catalog["stock_code"].to_list()
    low, high = observed_range(market)
    current = market.prices[:, -1]
    return Case(
        market=market,
        rows=panel.rows,
        coming=panel.coming,
        catalog=panel.catalog,
        features=tuple(FEATURES),
        sku=np.array([index[code] for code in codes], dtype=np.int64),
        current=current,
        low=np.minimum(low * (1 - WIDEN), current),
        high=np.maximum(high * (1 + WIDEN), current),
    )


def observed_range(market: Market) -> tuple[Floats, Floats]:
    """Lowest and highest price at which a SKU sold, (n,) each; the last price where it never did."""
    sold = market.units > 0
    last = market.prices[:, -1]
    low = np.where(sold, market.prices, np.inf).min(axis=1)
    high = np.where(sold, market.prices, -np.inf).max(axis=1)
    return np.where(np.isfinite(low), low, last), np.where(np.isfinite(high), high, last)
