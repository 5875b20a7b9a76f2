"""The sales lines of a world: those of the till, with the columns that some shops have besides.

Category, Promotion (1 or 0), Channel (shop or online) and InStock (0 in a week in which the item ran out). Any of them
may be dropped.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pricewright.market import Market
from pricewright.till import ring_up
from pricewright.worlds.channels import NAMES

if TYPE_CHECKING:
    from pricewright.worlds.world import World

Floats = NDArray[np.float64]


def ring_up_world(world: "World", params: Mapping[str, Any]) -> pl.DataFrame:
    """Sales lines in order of time; params: seed, cut_off_days, dirt (share of lines with each kind of dirt)."""
    online, factor = world.second.units, world.second.factor
    coming = world.expected_units(world.now)
    there = coming * world.second.share
    parts = [_ring_up(world, NAMES[0], world.units - online, world.prices, coming - there, params)]
    if online.any():
        dear = np.maximum(np.round(world.regular * factor[:, None], 2), 0.05)  # promotions are the shop's alone
        parts.append(_ring_up(world, NAMES[1], online, dear, there, params))
    return pl.concat(parts).sort("InvoiceDate", maintain_order=True)


def _ring_up(
    world: "World", channel: str, units: Floats, prices: Floats, coming: Floats, params: Mapping[str, Any]
) -> pl.DataFrame:
    """The lines of one channel; units, prices: (n, T); coming: (n,) expected units of the week that has begun."""
    n = len(world.codes)
    market = Market(
        codes=world.codes,
        weeks=world.weeks,
        prices=prices,
        units=units,
        reference=world.now,
        unit_cost=world.unit_cost,
        coming_base=coming,
        elasticity=world.elasticity,
        shape=("",) * n,
    )
    lines = ring_up(market, {**params, "seed": int(params["seed"]) + NAMES.index(channel)})
    if channel != NAMES[0]:
        lines = lines.with_columns(pl.col("InvoiceNo").str.replace("^(C?)", "${1}9"))
    return _described(world, channel, lines)


def _described(world: "World", channel: str, lines: pl.DataFrame) -> pl.DataFrame:
    """The lines with the world's descriptions and the further columns; services have none of them."""
    items = pl.DataFrame({"code": world.codes, "described": world.descriptions, "Category": world.categories})
    shop = channel == NAMES[0]
    weekly = pl.DataFrame(
        {
            "code": np.repeat(world.codes, len(world.weeks)),
            "week": list(world.weeks) * len(world.codes),
            "Promotion": (world.promotion & shop).astype(np.int64).ravel(),
            "InStock": (world.in_stock == 1).astype(np.int64).ravel(),
        }
    )
    joined = (
        lines.with_columns(
            code=pl.col("StockCode").str.strip_chars().str.to_uppercase(),
            week=pl.col("InvoiceDate").dt.truncate("1w").dt.date(),
        )
        .join(items, on="code", how="left", maintain_order="left")
        .join(weekly, on=["code", "week"], how="left", maintain_order="left")
    )
    described = pl.when(pl.col("Description").is_null()).then(None).otherwise(pl.coalesce("described", "Description"))
    return joined.with_columns(
        Description=described,
        Promotion=pl.when(pl.col("Category").is_null()).then(None).otherwise(pl.col("Promotion").fill_null(0)),
        InStock=pl.when(pl.col("Category").is_null()).then(None).otherwise(pl.col("InStock").fill_null(1)),
        Channel=pl.lit(channel),
    ).select(*lines.columns, "Category", "Promotion", "Channel", "InStock")
