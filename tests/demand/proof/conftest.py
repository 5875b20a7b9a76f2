"""The market of the network's tests."""

import pytest

from demand.market import Market, simulate
from tests.demand.network.small_market import PARAMS


@pytest.fixture(scope="session")
def market() -> Market:
    """120 SKUs, two years, prices that move by themselves."""
    return simulate({**PARAMS["market"], "skus": 120, "seed": 11})
