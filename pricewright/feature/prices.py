"""The list price of a SKU in its main channel, and the weeks in which it was out of stock.

A channel is what the shop calls one; where it names none, customers with an account are one and guests the other. Each
may have its own prices: a week in which the other one sells more is not a change of price.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pricewright.core.price_features import SAME_PRICE
from pricewright.feature.past import Floats, Whole
from pricewright.units import rounded

RECENT = tuple(f"recent_{k}" for k in range(1, 9))  # units of the last 8 weeks in stock, the newest first
LONGEST = 8  # weeks in a row that are guessed to be without stock; after them the SKU does not sell any more
Mask = NDArray[np.bool_]
ASKED = {"stock_code": pl.String, "channel": pl.String, "unit_price": pl.Float64, "lines": pl.Int64,
         "units": pl.Float64, "weight": pl.Float64}  # fmt: skip
OF_CHANNEL = ("week", "stock_code", "channel")
OF_STORE = (*OF_CHANNEL, "store")
PRICE_DIGITS = 4  # behind the point, of a mean of several stores
HELD_SHARE = 5  # the list price holds while one line in this many sells at it
CHANNEL = "channel "  # before its name: a column with the units that it sold so far


def without_stock(before: Mapping[str, Floats], sells: Mask, probability: float) -> Mask:
    """The SKUs that are guessed to be out of stock in a week. before: RECENT and `quiet`, the weeks in a row without a
    sale; sells: who sold in the week; probability: below which no sale is no chance."""
    may_be = ~sells & (before["quiet"] < LONGEST)
    return may_be & (chance_of_none(np.stack([before[name] for name in RECENT])) < probability)


def chance_of_none(units: Floats) -> Floats:
    """Probability of no unit, (n,), by the units of the weeks before, (weeks, n); 1 where one of them is not known."""
    known = ~np.isnan(units).any(axis=0)
    units = np.where(known, units, 0.0)
    mean = units.mean(axis=0)
    more_than_poisson = np.maximum(units.var(axis=0, ddof=1) - mean, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        size = mean**2 / more_than_poisson
        log_chance = np.where(more_than_poisson > 0, -size * np.log1p(mean / size), -mean)
    chance: Floats = np.exp(log_chance)
    return np.where(known, chance, 1.0)


def remember(before: Mapping[str, Floats], known_units: Floats, in_stock: Mask, sells: Mask) -> dict[str, Floats]:
    """RECENT and `quiet` after a week."""
    newest = dict(zip(RECENT, (known_units, *(before[name] for name in RECENT[:-1])), strict=True))
    kept = {name: np.where(in_stock, newest[name], before[name]) for name in RECENT}
    return kept | {"quiet": np.where(sells, 0.0, before["quiet"] + 1)}


def asked_prices(lines: pl.DataFrame) -> pl.DataFrame:
    """week and ASKED: lines and units of every price of a SKU in a channel, in order; of several stores their mean.

    `weight` are the units, of each line at most the lower quartile of the SKU's lines in that week and channel, so that
    a bulk order outweighs no other line by much. lines: with week and known_units.
    """
    guest = pl.when(pl.col("customer_id").is_null()).then(pl.lit("guest")).otherwise(pl.lit("registered"))
    named = lines.select(
        "week", "stock_code", pl.coalesce("channel", guest).alias("channel"), "store", "unit_price", "known_units"
    )
    small = pl.col("known_units").quantile(0.25, "lower").over(*OF_STORE)
    weighed = named.with_columns(weight=pl.min_horizontal("known_units", small))
    sums = weighed.group_by(*OF_STORE, "unit_price").agg(
        lines=pl.len().cast(pl.Int64),
        units=rounded(pl.col("known_units").sum()),
        weight=rounded(pl.col("weight").sum()),
    )
    return _of_stores(sums).drop("store").sort(*OF_CHANNEL, "unit_price")


def _of_stores(asked: pl.DataFrame) -> pl.DataFrame:
    """The prices of each SKU in each channel; where several stores sold it, one: the mean of theirs by units.

    A store's price is the upper median of its lines, so that two stores that differ are not two prices of one.
    """
    several = pl.col("store").n_unique().over(*OF_CHANNEL) > 1
    stores = asked.filter(several).sort(*OF_STORE, "unit_price")
    if stores.is_empty():
        return asked
    below = pl.col("weight").cum_sum() - pl.col("weight")
    of_store = stores.group_by(*OF_STORE, maintain_order=True).agg(
        pl.col("unit_price").filter(2 * below <= pl.col("weight").sum()).last(),
        pl.col("lines", "units", "weight").sum(),
    )
    mean = (pl.col("unit_price") * pl.col("units")).sum() / pl.col("units").sum()
    zones = of_store.group_by(*OF_CHANNEL, maintain_order=True).agg(
        pl.col("store").first(), mean.round(PRICE_DIGITS).alias("unit_price"), pl.col("lines", "units", "weight").sum()
    )
    return pl.concat([asked.filter(~several), zones.select(asked.columns)])


@dataclass(frozen=True)
class Prices:
    """Of a week, (n,). price: nan where the main channel had no line; held: whether the list price of the week before
    is still asked."""

    price: Floats
    lines: Floats
    held: Mask


class Channels:
    """The units that each channel sold so far of n SKUs."""

    def __init__(self, count: int) -> None:
        self._units: dict[str, Floats] = {}
        self._count = count

    def load(self, frame: pl.DataFrame, indices: Whole) -> None:
        """Go on from the columns of a frame whose SKUs have these indices."""
        for name in frame.columns:
            if name.startswith(CHANNEL):
                self._units[name.removeprefix(CHANNEL)] = units = np.zeros(self._count)
                units[indices] = frame[name].to_numpy()

    def columns(self) -> list[pl.Series]:
        """A column per channel, in order of their names."""
        return [pl.Series(CHANNEL + name, units) for name, units in sorted(self._units.items())]

    def week(self, asked: pl.DataFrame, indices: Whole, list_price: Floats) -> Prices:
        """What the main channel asked in a week. asked: see asked_prices, of SKUs with these indices; list_price: of
        the week before.

        A SKU's main channel sold most of its units up to the end of the week, of equals the first by name.
        """
        units = asked["units"].to_numpy()
        for name in asked["channel"].unique():
            self._units.setdefault(name, np.zeros(self._count))
        channels = sorted(self._units)
        channel = asked["channel"].cast(pl.Enum(channels)).to_physical().to_numpy()
        for number in np.unique(channel):
            of = channel == number
            self._units[channels[number]] += np.bincount(indices[of], units[of], self._count)
        most = np.argmax([self._units[name] for name in channels], axis=0) if channels else np.zeros(self._count)
        inside = most[indices] == channel
        return _prices(asked.filter(pl.Series(inside)), indices[inside], list_price)


def _prices(asked: pl.DataFrame, indices: Whole, list_price: Floats) -> Prices:
    """The prices of one channel per SKU, in order of SKU and price; see Channels.week."""
    price, lines, weight = (asked[name].to_numpy() for name in ("unit_price", "lines", "weight"))
    count = len(list_price)
    total = np.bincount(indices, weight, count)
    below = np.cumsum(weight) - weight  # of all SKUs before, and of the lower prices of this one
    below = below - np.concatenate([[0.0], np.cumsum(total)[:-1]])[indices]
    upper = 2 * below <= total[indices]
    median = np.full(count, np.nan)
    median[indices[upper]] = price[upper]  # the last one of a SKU stays: the highest
    same = np.abs(np.log(price) - np.log(list_price[indices])) <= SAME_PRICE
    all_lines = np.bincount(indices, lines, count).astype(np.float64)
    held = HELD_SHARE * np.bincount(indices, lines * same, count) >= all_lines
    return Prices(median, all_lines, held & (all_lines > 0))
