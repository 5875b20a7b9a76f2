"""Truths of the bench's own yardstick: an oracle gets everything, who keeps every price gets nothing."""

from pathlib import Path

import numpy as np
import pytest
import yaml

from bench.case import WIDEN, observed_range
from bench.score import oracle_prices, revenues, score, true_elasticity
from pricewright.worlds.market import REGIMES, Market, simulate

PARAMS = yaml.safe_load((Path(__file__).parents[2] / "params.yaml").read_text())["market"]


@pytest.fixture(params=REGIMES)
def market(request: pytest.FixtureRequest) -> Market:
    return simulate({**PARAMS, "regime": request.param, "skus": 40, "weeks": 60, "seed": 5})


def ranged(market: Market) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    low, high = observed_range(market)
    current = market.prices[:, -1]
    low, high = np.minimum(low * (1 - WIDEN), current), np.maximum(high * (1 + WIDEN), current)
    return low, high, current, oracle_prices(market, low, high, current)


def test_the_oracle_captures_everything_and_makes_no_sku_worse(market: Market) -> None:
    _, _, current, oracle = ranged(market)
    found = score(market, oracle, current, oracle)
    assert found.captured == pytest.approx(1.0) and found.worse == 0.0


def test_keeping_the_last_price_captures_nothing(market: Market) -> None:
    _, _, current, oracle = ranged(market)
    found = score(market, current, current, oracle)
    assert found.captured == 0.0 and found.worse == 0.0 and found.moved == 0.0


def test_no_price_in_the_range_beats_the_oracle(market: Market) -> None:
    low, high, _, oracle = ranged(market)
    rng = np.random.default_rng(1)
    for _ in range(20):
        tried = low + (high - low) * rng.random(len(low))
        assert (revenues(market, tried) <= revenues(market, oracle) * 1.001).all()


def test_the_range_never_leaves_the_prices_at_which_a_sku_sold_by_more_than_a_tenth(market: Market) -> None:
    low, high, _, oracle = ranged(market)
    for i, sold in enumerate(market.units > 0):
        seen = np.append(market.prices[i, sold], market.prices[i, -1])
        assert seen.min() * 0.9 - 1e-9 <= low[i] <= oracle[i] <= high[i] <= seen.max() * 1.1 + 1e-9


def test_the_true_elasticity_at_the_reference_price_is_the_one_that_was_simulated(market: Market) -> None:
    smooth = np.array([shape != "kinked" for shape in market.shape])
    found = true_elasticity(market, market.reference)
    assert found[smooth] == pytest.approx(market.elasticity[smooth], rel=0.02)
