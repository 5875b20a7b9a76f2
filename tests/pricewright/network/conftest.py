"""One small market, its panel and a network fitted to it, for all tests of this folder."""

from typing import Any

import polars as pl
import pytest

from pricewright.network.network import DemandNetwork, network_settings
from pricewright.worlds.market import Market, simulate
from tests.pricewright.network.small_market import FEATURES, PARAMS, QUICK, panel_of


@pytest.fixture(scope="session")
def params() -> dict[str, Any]:
    """All of params.yaml."""
    return PARAMS


@pytest.fixture(scope="session")
def settings() -> dict[str, Any]:
    """The network's parameters, with few passes."""
    return network_settings(PARAMS, PARAMS["tune"]["defaults"]["network"], QUICK)


@pytest.fixture(scope="session")
def market() -> Market:
    """120 SKUs, two years, prices that move by themselves."""
    return simulate({**PARAMS["market"], "skus": 120, "seed": 11})


@pytest.fixture(scope="session")
def panel(market: Market) -> pl.DataFrame:
    """Its panel."""
    return panel_of(market)


@pytest.fixture(scope="session")
def network(panel: pl.DataFrame, settings: dict[str, Any]) -> DemandNetwork:
    """Fitted to all weeks."""
    return DemandNetwork.fit(panel, FEATURES, settings, seed=1)
