"""A simulated shop's accepted lines, and the thresholds that ship."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from demand.market import simulate

MARKET = {"regime": "mixed", "skus": 40, "weeks": 70, "first_week": "2024-01-01", "units_per_week": 12, "dirt": 0.0,
          "shift_weeks": 26, "cut_off_days": 3, "seed": 5}  # fmt: skip
NAMES = {"InvoiceNo": "invoice", "StockCode": "stock_code", "Description": "description", "Quantity": "quantity",
         "InvoiceDate": "invoice_time", "UnitPrice": "unit_price", "CustomerID": "customer_id", "Country": "country",
         "UnitCost": "unit_cost"}  # fmt: skip


@pytest.fixture(scope="session")
def lines() -> pl.DataFrame:
    """Accepted transactions of 40 SKUs over 70 weeks, the last of which is followed by three days more."""
    sold = simulate(MARKET).transactions(MARKET).rename(NAMES).with_row_index("row")
    return sold.with_columns(
        pl.lit("shop").alias("source"), cancelled=pl.lit(0, dtype=pl.Int64), units=pl.col("quantity")
    )


@pytest.fixture(scope="session")
def params() -> dict[str, Any]:
    """The section `feature` of params.yaml."""
    section: dict[str, Any] = yaml.safe_load((Path(__file__).parents[3] / "params.yaml").read_text())["feature"]
    return section
