"""The simulated source knows what a price list truly brings."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import yaml

from pricewright.worlds.attainable import oracle_prices
from pricewright.worlds.default import open_market, simulated_lines, true_uplift

PARAMS: dict[str, Any] = yaml.safe_load((Path(__file__).parents[3] / "params.yaml").read_text())["market"]
SMALL = PARAMS | {"kind": "", "skus": 30, "weeks": 40}
WORLD = SMALL | {"kind": "substitutes_nested"}


def listed(codes: tuple[str, ...], current: Any, optimal: Any) -> pl.DataFrame:
    upper = [code.upper() for code in codes]
    return pl.DataFrame({"stock_code": upper, "current_price": current, "optimal_price": optimal})


@pytest.mark.parametrize("params", [SMALL, WORLD], ids=["market", "world"])
def test_keeping_every_price_brings_nothing(params: dict[str, Any]) -> None:
    market = open_market(params)
    prices = np.linspace(1.0, 9.0, len(market.codes))
    assert true_uplift(params, listed(market.codes, prices, prices)) == pytest.approx(0.0, abs=1e-12)


def test_the_prices_of_somebody_who_knows_all_bring_more_than_those_of_somebody_who_lowers_all() -> None:
    world = open_market(WORLD)
    best = true_uplift(WORLD, listed(world.codes, world.now, oracle_prices(world)))  # type: ignore[union-attr,arg-type]
    low = true_uplift(WORLD, listed(world.codes, world.now, world.low))  # type: ignore[union-attr]
    assert best > 0.01 > low


def test_the_lines_of_a_world_name_categories_and_promotions() -> None:
    assert {"Category", "Promotion", "InStock"} <= set(simulated_lines(WORLD).columns)
    assert "Category" not in simulated_lines(SMALL).columns
