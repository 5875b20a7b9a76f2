"""The sales lines of a world, with channels and the optional columns that some shops export.

Category, Promotion (1 or 0), Channel (shop or online) and InStock (0 in a week in which the item ran out). Any of them
may be dropped.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pricewright.worlds.kinds import Kind
from pricewright.worlds.market import Market, to_transactions
from pricewright.worlds.shop import Assortment

if TYPE_CHECKING:
    from pricewright.worlds.world import World


Floats = NDArray[np.float64]
NAMES = ("shop", "online")


class Channel(NamedTuple):
    """factor: (n,) its price over the regular one; units: (n, T) of the world's; share: (n,) of the coming week's."""

    factor: Floats
    units: Floats
    share: Floats

    @property
    def takings(self) -> Floats:
        """(n,): sales of the coming week over regular price x units."""
        return 1 + self.share * (self.factor - 1)


def draw_second_channel(rng: np.random.Generator, kind: Kind, assortment: Assortment, units: Floats) -> Channel:
    """Draw which categories sell there, at 0.85 to 1.9 times the regular price, and how their mix changes."""
    weeks = units.shape[1]
    categories = int(assortment.category[-1]) + 1
    sells = (rng.random(categories) < kind.second_channel)[assortment.category]
    factor = np.where(sells, np.exp(rng.uniform(np.log(0.85), np.log(1.9), categories))[assortment.category], 1.0)
    first, last = rng.uniform(-2.5, 0.0, (2, categories, 1))
    mix = first + (last - first) * np.linspace(0, 1, weeks + 1) + rng.normal(0, 0.25, (categories, weeks + 1))
    share = sells[:, None] / (1 + np.exp(-mix[assortment.category]))
    return Channel(factor, rng.binomial(units.astype(np.int64), share[:, :weeks]).astype(np.float64), share[:, weeks])


def ring_up_world(world: "World", params: Mapping[str, Any]) -> pl.DataFrame:
    """Sales lines in order of time; params: seed, cut_off_days, dirt (share of lines messy in each way)."""
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
    lines = to_transactions(market, {**params, "seed": int(params["seed"]) + NAMES.index(channel)})
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
