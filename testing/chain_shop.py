"""A made-up chain of which every number is known: stores in zones that price apart, as sales files have it."""

from datetime import datetime, timedelta

import numpy as np
import polars as pl

STORES = {"1": "North", "2": "North", "3": "South", "4": "South"}
SKUS, WEEKS = 12, 60
FIRST = datetime(2024, 1, 1)
SLOPES = {"North": -3.0, "South": -0.6}  # of log units on log price: the north compares prices, the south does not
CATEGORIES = ("Juice", "Tea", "Jam")


def chain_shop(skus: int = SKUS, weeks: int = WEEKS, seed: int = 5) -> pl.DataFrame:
    """Lines of 1 to 6 pieces: Store, Zone, StockCode, Description, Category, Brand, InvoiceNo, InvoiceDate, Quantity,
    UnitPrice. Prices change every few weeks, zone by zone; each store numbers its receipts from 1 on."""
    rng = np.random.default_rng(seed)
    usual, pace = rng.uniform(2, 20, skus), rng.uniform(20, 40, skus)
    size = dict(zip(STORES, rng.uniform(0.6, 1.4, len(STORES)), strict=True))
    zones = sorted(set(STORES.values()))
    step = {(zone, sku): 1.0 for zone in zones for sku in range(skus)}
    rows = []
    for week in range(weeks):
        for zone, sku in step:
            if (week + zones.index(zone)) % 5 == sku % 5:
                step[zone, sku] = float(rng.choice([0.8, 0.9, 1.0, 1.1, 1.2]))
        for store, zone in STORES.items():
            for sku in range(skus):
                price = step[zone, sku]
                left = int(rng.poisson(size[store] * pace[sku] * price ** SLOPES[zone]))
                while left:
                    pieces = min(left, int(rng.integers(1, 7)))
                    left -= pieces
                    day = int(rng.integers(6))
                    rows.append((store, zone, sku, week, day, pieces, round(float(usual[sku]) * price, 2)))
    lines = pl.DataFrame(rows, schema=["Store", "Zone", "sku", "week", "day", "Quantity", "UnitPrice"], orient="row")
    number = pl.int_range(1, pl.len() + 1).over("Store")
    return lines.select(
        "Store",
        "Zone",
        StockCode=(pl.col("sku") + 501).cast(pl.String),
        Description=pl.format("{} no. {}", pl.col("sku").map_elements(_category, pl.String), "sku"),
        Category=pl.col("sku").map_elements(_category, pl.String),
        Brand=pl.when(pl.col("sku") % 2 == 0).then(pl.lit("Own")).otherwise(pl.lit("Maker")),
        InvoiceNo=number.cast(pl.String),
        InvoiceDate=pl.lit(FIRST + timedelta(hours=10)) + pl.duration(days=7 * pl.col("week") + pl.col("day")),
        Quantity="Quantity",
        UnitPrice="UnitPrice",
    )


def _category(sku: int) -> str:
    return CATEGORIES[sku % len(CATEGORIES)]
