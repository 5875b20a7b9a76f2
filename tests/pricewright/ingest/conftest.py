"""A small shop of twelve weeks, and the parameters that ship."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from pricewright.ingest import Ingested, clean
from pricewright.ingest.tables import Table

START = datetime(2011, 1, 3, 9, 30)


@pytest.fixture(scope="session")
def params() -> dict[str, Any]:
    """The section `ingest` of params.yaml."""
    section: dict[str, Any] = yaml.safe_load((Path(__file__).parents[3] / "params.yaml").read_text())["ingest"]
    return section


@pytest.fixture(scope="session")
def uci(params: dict[str, Any]) -> dict[str, Any]:
    """The habits of the UCI files, as parameters that hold for any file."""
    schema = params["schemas"]["uci_online_retail"]
    return {name: habit for name, habit in schema.items() if name != "columns"}


@pytest.fixture
def shop() -> pl.DataFrame:
    """25 SKUs sold once a week for twelve weeks, in the columns of the UCI file."""
    lines = [
        {
            "InvoiceNo": str(536365 + 25 * week + sku),
            "StockCode": f"{20000 + sku}",
            "Description": f"MUG, {sku} {'é' if sku % 2 else ''}",
            "Quantity": 1 + sku % 6,
            "InvoiceDate": START + timedelta(weeks=week, hours=sku % 7),
            "UnitPrice": 0.5 + sku,
            "CustomerID": str(12000 + sku) if sku % 3 else None,
            "Country": "France",
        }
        for week in range(12)
        for sku in range(25)
    ]
    return pl.DataFrame(lines)


@pytest.fixture
def line() -> Callable[..., dict[str, Any]]:
    """One sales line; arguments by word replace what it says."""
    usual = {
        "invoice": "1",
        "stock_code": "85123A",
        "description": "HEART",
        "quantity": 6,
        "invoice_time": START,
        "unit_price": 2.55,
        "customer_id": "17850",
        "country": "United Kingdom",
    }
    return lambda **words: usual | words


@pytest.fixture
def cleaned(params: dict[str, Any]) -> Callable[..., Ingested]:
    """What becomes of lines, before the gate; keywords replace parameters."""

    def take(lines: list[dict[str, Any]] | pl.DataFrame, **changed: Any) -> Ingested:
        frame = lines if isinstance(lines, pl.DataFrame) else pl.DataFrame(lines, infer_schema_length=None)
        return clean([Table("shop.csv", frame)], params | changed)

    return take
