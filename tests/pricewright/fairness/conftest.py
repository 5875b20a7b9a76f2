"""A shop that treats its segments alike, so that every test can be unfair in one way only."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import yaml
from numpy.typing import NDArray

from pricewright.fairness import Fairness, assess_fairness
from pricewright.fairness.attribution import Model

FEATURES = ("log_units_lag_1", "registered_share", "week_of_year")
SKUS, WEEKS = 240, 8
LAG, REGISTERED = 0, 1
PRICE_RATIO = len(FEATURES)


def steady_model(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Log units from last week's and from the price ratio, for every customer alike."""
    return 0.8 * rows[:, LAG] - 1.5 * rows[:, PRICE_RATIO] + 0.1 * rows[:, REGISTERED]


@dataclass(frozen=True)
class Shop:
    """All that the gate is given."""

    models: dict[str, Model]
    panel: pl.DataFrame
    backtest: pl.DataFrame
    price_list: pl.DataFrame
    catalog: pl.DataFrame
    params: dict[str, Any]

    def assess(self, **other: Any) -> Fairness:
        """The gate on this shop, with some of its parts replaced."""
        shop = replace(self, **other)
        return assess_fairness(
            shop.models, shop.panel, shop.backtest, shop.price_list, shop.catalog, shop.params, FEATURES
        )


def section() -> dict[str, Any]:
    """The section `fairness` of params.yaml, with groups for the features of this shop."""
    shipped: dict[str, Any] = yaml.safe_load((Path(__file__).parents[3] / "params.yaml").read_text())["fairness"]
    groups = {"customer_mix": ["registered*"], "sales_history": ["log_units*"], "calendar": ["week*"]}
    return shipped | {"groups": groups, "explained_rows": 30, "background_rows": 12}


def simulate_shop(seed: int = 5) -> Shop:
    """SKUs in independent segments; 90 % intervals that hold 90 % of the weeks; half of the prices moved."""
    rng = np.random.default_rng(seed)
    codes = [f"{30000 + i}" for i in range(SKUS)]
    guest = rng.random(SKUS) < 0.3
    catalog = pl.DataFrame(
        {
            "stock_code": codes,
            "customer_segment": np.where(guest, "guest", "registered"),
            "country_segment": rng.choice(["home", "other"], SKUS),
            "price_tier": rng.choice(["low", "middle", "high"], SKUS),
            "speed": rng.choice(["slow", "middle", "fast"], SKUS),
        }
    )
    n = SKUS * WEEKS
    reference = np.repeat(np.round(np.exp(rng.normal(1.5, 0.5, SKUS)), 2), WEEKS)
    units, mean = np.round(np.exp(rng.normal(3.0, 0.4, n))), np.exp(3.0 + 0.4**2 / 2)
    rows = pl.DataFrame(
        {
            "stock_code": np.repeat(codes, WEEKS),
            "week": [date(2024, 1, 1) + timedelta(weeks=t) for _ in range(SKUS) for t in range(WEEKS)],
            "units": units,
            "price": np.round(reference * rng.choice([0.9, 1.0, 1.1], n), 2),
            "reference_price": reference,
            "last_price": reference,
            "log_units_lag_1": rng.normal(3.0, 0.4, n),
            "registered_share": np.repeat(np.where(guest, 0.2, 0.9), WEEKS) + rng.normal(0, 0.05, n),
            "week_of_year": np.tile(np.arange(WEEKS), SKUS).astype(float),
        }
    )
    low, high = np.exp(3.0 - 1.645 * 0.4), np.exp(3.0 + 1.645 * 0.4)
    backtest = rows.select("stock_code", "week", "price", "units").with_columns(
        model=pl.lit("network"),
        predicted_units=pl.lit(mean),
        predicted_median=pl.lit(np.exp(3.0)),
        predicted_log1p=pl.lit(3.0),
        predicted_low=pl.lit(low),
        predicted_high=pl.lit(high),
    )
    moves = np.where(rng.random(SKUS) < 0.5, rng.choice([0.95, 1.05], SKUS), 1.0)
    price_list = pl.DataFrame({"stock_code": codes, "current_price": reference[::WEEKS]})
    price_list = price_list.with_columns(optimal_price=pl.col("current_price") * pl.Series(moves))
    return Shop({"network": steady_model}, rows, backtest, price_list, catalog, section())


@pytest.fixture(scope="session")
def shop() -> Shop:
    """A fair shop."""
    return simulate_shop()


@pytest.fixture(scope="session")
def fair(shop: Shop) -> Fairness:
    """The gate on the fair shop."""
    return shop.assess()


@pytest.fixture(scope="session")
def guests(shop: Shop) -> pl.Expr:
    """Which rows belong to SKUs that guests buy."""
    codes = shop.catalog.filter(pl.col("customer_segment") == "guest")["stock_code"]
    return pl.col("stock_code").is_in(codes.implode())
