"""A made-up shop of which every number is known, to be written into files as retailers have them."""

from datetime import datetime, timedelta

import numpy as np
import polars as pl

SKUS, WEEKS = 22, 56
FIRST = datetime(2024, 1, 1)
ELASTICITY = -2.2
GOODS = ("Apron", "Basket", "Bowl", "Candle", "Clock", "Cushion", "Doormat", "Frame", "Hook", "Jug", "Kettle", "Lamp",
         "Mirror", "Mug", "Napkin", "Pillow", "Plate", "Rug", "Spoon", "Towel", "Tray", "Vase")  # fmt: skip


def plain_shop(skus: int = SKUS, weeks: int = WEEKS, seed: int = 7) -> pl.DataFrame:
    """Lines by time: invoice, stock_code, description, quantity, invoice_time, unit_price, customer_id.

    A receipt has one line of 1 to 6 pieces. Prices change every few weeks, and the units with ELASTICITY.
    """
    rng = np.random.default_rng(seed)
    usual, pace = rng.uniform(2, 20, skus), rng.uniform(6, 14, skus)
    rows = []
    for sku in range(skus):
        step = 1.0
        for week in range(weeks):
            if week % 5 == sku % 5:
                step = float(rng.choice([0.8, 0.9, 1.0, 1.1, 1.2]))
            left = int(rng.poisson(pace[sku] * step**ELASTICITY))
            while left:
                pieces = min(left, int(rng.integers(1, 7)))
                left -= pieces
                time = FIRST + timedelta(days=7 * week + int(rng.integers(6)), minutes=540 + int(rng.integers(540)))
                rows.append((sku, pieces, time, round(float(usual[sku]) * step, 2), 1000 + int(rng.integers(400))))
    lines = pl.DataFrame(rows, schema=["sku", "quantity", "invoice_time", "unit_price", "customer"], orient="row").sort(
        "invoice_time", "sku", maintain_order=True
    )
    return lines.with_row_index("number").select(
        invoice=(100_001 + pl.col("number")).cast(pl.String),
        stock_code=(10_001 + pl.col("sku")).cast(pl.String),
        description=pl.Series([GOODS[sku % len(GOODS)] for sku in lines["sku"]]),
        quantity="quantity",
        invoice_time="invoice_time",
        unit_price="unit_price",
        customer_id=pl.col("customer").cast(pl.String),
    )
