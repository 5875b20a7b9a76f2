"""A simulated shop's accepted lines, a small shop written line by line, and the parameters that ship."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from pricewright.ingest import clean
from pricewright.ingest.tables import Table, with_rows
from pricewright.worlds.market import simulate

WHOLE: dict[str, Any] = yaml.safe_load((Path(__file__).parents[3] / "params.yaml").read_text())
MARKET = WHOLE["market"] | {"skus": 40, "weeks": 70, "units_per_week": 12}
SCHEMA = {
    "row": pl.Int64, "source": pl.String, "invoice": pl.String, "stock_code": pl.String, "description": pl.String,
    "quantity": pl.Int64, "cancelled": pl.Int64, "units": pl.Int64, "invoice_time": pl.Datetime("us"),
    "unit_price": pl.Float64, "customer_id": pl.String, "country": pl.String, "unit_cost": pl.Float64,
    "category": pl.String, "promotion": pl.Float64, "channel": pl.String, "in_stock": pl.Boolean,
    "store": pl.String, "zone": pl.String, "brand": pl.String,
    "competitor_price": pl.Float64,
}  # fmt: skip


@pytest.fixture(scope="session")
def lines() -> pl.DataFrame:
    """Accepted transactions of 40 SKUs over 70 weeks, the last of which is followed by three days more."""
    market = with_rows(Table("market", simulate(MARKET).transactions(MARKET)))
    return clean([market], WHOLE["ingest"]).accepted


@pytest.fixture(scope="session")
def whole() -> dict[str, Any]:
    """All of params.yaml."""
    return WHOLE


@pytest.fixture(scope="session")
def params() -> dict[str, Any]:
    """The section `feature` of params.yaml."""
    section: dict[str, Any] = WHOLE["feature"]
    return section


@pytest.fixture(scope="session")
def sold() -> Callable[..., pl.DataFrame]:
    """Accepted transactions from (day, stock_code, quantity, price); whatever else a line has may be named."""

    def write(*sales: tuple[str, str, int, float], **columns: list[Any]) -> pl.DataFrame:
        count = len(sales)
        days, codes, quantities, prices = zip(*sales, strict=True) if sales else ((), (), (), ())
        frame = {
            "row": range(1, count + 1), "source": ["till"] * count, "invoice": [f"{500 + i}" for i in range(count)],
            "stock_code": codes, "description": [f"MUG {code}" for code in codes], "quantity": quantities,
            "cancelled": [0] * count, "invoice_time": [datetime.fromisoformat(day) for day in days],
            "unit_price": prices, "customer_id": [f"{i}" for i in range(count)],
            "country": ["United Kingdom"] * count, "unit_cost": [None] * count,
            **{name: [None] * count for name in ("category", "promotion", "channel", "in_stock")},
            **{name: [None] * count for name in ("store", "zone", "brand", "tax_rate", "competitor_price")},
        }  # fmt: skip
        frame = frame | columns
        frame["units"] = [q - c for q, c in zip(frame["quantity"], frame["cancelled"], strict=True)]
        return pl.DataFrame(frame, schema_overrides=SCHEMA)

    return write
