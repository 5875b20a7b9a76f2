"""A shop of 150 SKUs over 60 weeks that sells twice as much in autumn, and the thresholds that ship."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import yaml

from pricewright.feature import build_panel
from pricewright.ingest import clean
from pricewright.ingest.tables import Table, with_rows
from pricewright.worlds.market import simulate

WHOLE: dict[str, Any] = yaml.safe_load((Path(__file__).parents[3] / "params.yaml").read_text())
STABLE = WHOLE["market"] | {"skus": 40, "weeks": 78, "dirt": 0.0}
WEEKS, NEWEST = 60, 8


def simulate_shop(skus: int = 150, weeks: int = WEEKS, autumn: float = 2.0, seed: int = 3) -> pl.DataFrame:
    """Panel rows; `autumn` is the factor on the units of the last eleven weeks, rising over the first three."""
    rng = np.random.default_rng(seed)
    season = np.concatenate([np.ones(weeks - 11), np.linspace(1, autumn, 4)[1:], np.full(8, autumn)])
    mean_orders = np.exp(rng.normal(1.0, 0.9, (skus, 1))) * season
    orders = rng.poisson(mean_orders)
    per_order = np.exp(rng.normal(1.2, 0.6, (skus, 1)))
    units = np.ceil(orders * per_order * np.exp(rng.normal(0, 0.3, orders.shape)))
    reference = np.round(np.exp(rng.normal(1.0, 0.7, (skus, 1))), 2) + 0.1
    promotion = rng.random(units.shape) < 0.05
    price = np.round(reference * np.where(promotion, 0.8, 1.0), 2)
    log_units = np.log1p(units)
    lag = np.concatenate([log_units[:, :1], log_units[:, :-1]], axis=1)
    columns = {
        "units": units,
        "price": price,
        "orders": orders,
        "customers": orders,
        "reference_price": np.broadcast_to(reference, units.shape),
        "last_price": np.concatenate([price[:, :1], price[:, :-1]], axis=1),
        "log_units_lag_1": lag,
        "registered_share": rng.beta(6, 2, units.shape),
        "week_of_year": np.broadcast_to(np.arange(weeks) % 52, units.shape),
        "age_weeks": np.broadcast_to(np.arange(weeks), units.shape),
    }
    first = date(2024, 1, 1)
    return pl.DataFrame(
        {
            "stock_code": np.repeat([f"{20000 + i}" for i in range(skus)], weeks),
            "week": [first + timedelta(weeks=t) for _ in range(skus) for t in range(weeks)],
            **{name: values.ravel() for name, values in columns.items()},
        }
    ).with_columns(sold=pl.col("units") > 0)


def split(rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The weeks before the newest ones, and the newest ones."""
    weeks = rows["week"].unique().sort()
    return rows.filter(pl.col("week") < weeks[-NEWEST]), rows.filter(pl.col("week") >= weeks[-NEWEST])


@pytest.fixture(scope="session")
def shop_with() -> Callable[..., tuple[pl.DataFrame, pl.DataFrame]]:
    """Another shop, by the arguments of `simulate_shop`."""
    return lambda **arguments: split(simulate_shop(**arguments))


@pytest.fixture(scope="session")
def shop() -> tuple[pl.DataFrame, pl.DataFrame]:
    """The weeks before, and the newest ones (autumn)."""
    return split(simulate_shop())


@pytest.fixture(scope="session")
def params() -> dict[str, Any]:
    """The section `drift` of params.yaml."""
    section: dict[str, Any] = WHOLE["drift"]
    return section


@pytest.fixture(scope="session")
def stable_range() -> tuple[pl.DataFrame, pl.DataFrame]:
    """The real panel of 78 weeks of products that all sold for more than a year before the newest weeks began."""
    lines = clean([with_rows(Table("market", simulate(STABLE).transactions(STABLE)))], WHOLE["ingest"]).accepted
    launch = pl.datetime(2024, 1, 1) + pl.duration(weeks=pl.col("stock_code").rank("dense") % 6)
    rows = build_panel(lines.filter(pl.col("invoice_time") >= launch), WHOLE["feature"]).rows
    began = rows.group_by("stock_code").agg(pl.col("week").min())
    old = began.filter(pl.col("week") < date(2024, 4, 1))
    return split(rows.join(old, on="stock_code", how="semi", maintain_order="left"))
