"""One SKU of a release: its price, the panel rows and the sales lines that the price was learned from.

Read by hash from what the lake kept for that release: a later run that corrected the same weeks changes nothing here.
"""

import io
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import polars as pl

from blocks.lake import Lake
from pricewright.core.errors import LedgerError, UnknownSku
from pricewright.core.item import Item
from pricewright.core.release.manifest import PRICE_LIST
from tasks.descent import Descent
from tasks.lock import object_key

AT_ONCE = 16  # partitions read at once: they are small, and S3 answers slowly
LINE = ("week", "invoice_time", "invoice", "quantity", "unit_price", "source", "row")


@dataclass(frozen=True)
class SkuDescent:
    """price: its row of the price list; panel: its rows by week, with the number of sales lines of each week (`lines`);
    lines: these sales lines with the file (`source`) and the row of it that each one is."""

    price: pl.DataFrame
    panel: pl.DataFrame
    lines: pl.DataFrame


def read_sku(lake: Lake, descent: Descent, stock_code: Item | str, invoice: str = "") -> SkuDescent:
    """What the release learned one price from; `invoice` narrows the lines. Raises UnknownSku."""
    item = Item.of(stock_code)
    price = _parquet(lake.read(f"releases/{descent.release}/{PRICE_LIST}").body, item)
    if not price.height:
        raise UnknownSku(f"release {descent.release} has no price of {item}.", hint="the price list names them all.")
    panel, lines = (_read(lake, descent.weeks[name], name, item) for name in ("panel", "raw"))
    counts = lines.group_by("week").agg(lines=pl.len())
    kept = panel.select("week", "price", "units").join(counts, on="week", how="left").fill_null(0)
    chosen = lines.filter(pl.col("invoice").cast(pl.String) == invoice) if invoice else lines
    return SkuDescent(price, kept.sort("week"), chosen.select(LINE).sort("invoice_time", "row"))


def _read(lake: Lake, weeks: Mapping[str, str], name: str, item: Item) -> pl.DataFrame:
    if not weeks:
        raise LedgerError(
            f"the lake {lake.url} does not say which {name} partitions the release came from.",
            hint="it was made by an older version, or by dvc repro, which gives the lake nothing.",
        )

    def read(week: str) -> pl.DataFrame:
        rows = _parquet(lake.read(object_key(weeks[week])).body, item)
        return rows.drop("week", strict=False).with_columns(week=pl.lit(week))

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return pl.concat(pool.map(read, sorted(weeks)), how="diagonal_relaxed")


def _parquet(body: bytes, item: Item) -> pl.DataFrame:
    return pl.read_parquet(io.BytesIO(body)).filter(pl.col("stock_code") == item.as_code)
