"""Rings up a simulated market: weekly units become sales lines, with the dirt that real lines carry.

The dirt follows what the UCI retail files hold: quantity breaks, guests, cancellations, a huge order taken
back minutes later, service codes, codes in two cases, write-offs, free lines, duplicates, a cut-off week.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

if TYPE_CHECKING:
    from pricewright.market import Market

Floats = NDArray[np.float64]

PACKS = np.array([1, 2, 4, 6, 12, 24])
COUNTRIES = ("United Kingdom", "United Kingdom", "United Kingdom", "United Kingdom", "Germany", "France", "EIRE")
OPENING = 8 * 60  # minutes after midnight
OPEN_MINUTES = 10 * 60
FIRST_INVOICE, INVOICES_A_WEEK = 536365, 10_000_000
TRADING_DAYS = np.array([0, 1, 2, 3, 4, 6])  # no sales on Saturdays


def ring_up(market: "Market", params: Mapping[str, Any]) -> pl.DataFrame:
    """Sales lines in the UCI columns, in order of time; `params["dirt"]` is the share of dirty lines."""
    rng = np.random.default_rng([int(params["seed"]), 1])
    units, prices = market.units, market.prices
    if days := int(params["cut_off_days"]):  # the week after the last full one has begun
        begun = rng.poisson(market.coming_base * days / 7).astype(np.float64)
        units, prices = np.column_stack([units, begun]), np.column_stack([prices, prices[:, -1]])
    pack = rng.choice(PACKS, len(units))
    lines = _sales_lines(market, rng, units, prices, pack, days)
    return _with_dirt(lines, rng, float(params["dirt"]))


def ring_up_week(market: "Market", week: int, params: Mapping[str, Any]) -> pl.DataFrame:
    """The sales lines of one week alone (0, 1, ...), for markets whose lines fit into no memory; other lines than those
    of ring_up, by the same rules. Customers and invoices are numbered week by week: customers come again."""
    seed = int(params["seed"])
    pack = np.random.default_rng([seed, 2]).choice(PACKS, len(market.units))
    rng = np.random.default_rng([seed, 3, week])
    alone = replace(market, weeks=market.weeks[week : week + 1])
    units, prices = market.units[:, week : week + 1], market.prices[:, week : week + 1]
    lines = _sales_lines(alone, rng, units, prices, pack, 0, first_invoice=FIRST_INVOICE + week * INVOICES_A_WEEK)
    return _with_dirt(lines, rng, float(params["dirt"]))


def _with_dirt(lines: pl.DataFrame, rng: np.random.Generator, dirt: float) -> pl.DataFrame:
    """The sales lines among what else a till writes down, in order of time."""
    parts = [lines]
    if dirt > 0:
        parts += [_cancellations(lines, rng, dirt), _services(lines, rng, dirt), _broken(lines, rng, dirt)]
    frame = pl.concat(parts).sort("InvoiceDate", "InvoiceNo", "StockCode", "Quantity", maintain_order=True)
    if dirt > 0:
        again = frame.filter(pl.Series(rng.random(len(frame)) < 0.5 * dirt))
        frame = pl.concat([frame, again]).sort("InvoiceDate", maintain_order=True)
        frame = _blemished(frame, rng, dirt)
    return frame


def _sales_lines(
    market: "Market",
    rng: np.random.Generator,
    units: Floats,
    prices: Floats,
    pack: NDArray[np.int64],
    cut_off_days: int,
    first_invoice: int = FIRST_INVOICE,
) -> pl.DataFrame:
    """One line per pack of a SKU's pack size, the rest in a last smaller line; a few bulk lines cost less.

    units, prices: (n, weeks) from the market's first week on, of which a last one may be cut off; pack: (n,).
    """
    weeks = len(market.weeks)
    count = np.ceil(units / pack[:, None]).astype(np.int64)
    sku, week = (np.repeat(index.ravel(), count.ravel()) for index in np.indices(units.shape))
    last = np.r_[(sku[1:] != sku[:-1]) | (week[1:] != week[:-1]), True]
    rest = (units - (count - 1) * pack[:, None])[sku, week]
    quantity = np.where(last, rest, pack[sku]).astype(np.int64)
    size = len(sku)
    day = TRADING_DAYS[rng.integers(0, np.where(week < weeks, len(TRADING_DAYS), max(cut_off_days, 1)))]
    minute = rng.integers(0, OPEN_MINUTES, size)
    customer = rng.integers(0, 1 + size // 40, size)
    bulk = (rng.random(size) < 0.04) & (quantity > 2)
    price = np.round(prices[sku, week] * np.where(bulk, 0.9, 1.0), 2)
    start = np.datetime64(market.weeks[0], "m")
    time = start + (week * 7 + day) * 1440 + OPENING + (customer % 60) + (minute // 60) * 60
    names = [f"{_NOUNS[i % len(_NOUNS)]} {code}" for i, code in enumerate(market.codes)]
    known = pl.Series(customer % 5 != 0)  # the others are guests
    return pl.DataFrame(
        {
            "InvoiceNo": _invoice_numbers(customer, time, first_invoice),
            "StockCode": pl.Series(market.codes).gather(sku),
            "Description": pl.Series(names).gather(sku),
            "Quantity": quantity,
            "InvoiceDate": time.astype("datetime64[us]"),
            "UnitPrice": price,
            "CustomerID": pl.Series(12000 + customer).cast(pl.String).set(~known, None),
            "Country": pl.Series(COUNTRIES).gather(customer % len(COUNTRIES)),
            "UnitCost": market.unit_cost[sku],
        }
    )


_NOUNS = ("LANTERN", "MUG", "CAKE STAND", "PARASOL", "BUNTING", "DOORMAT", "CANDLE", "JAM JAR", "CLOCK", "PENCIL TIN")


def _invoice_numbers(customer: NDArray[np.int64], time: NDArray[np.datetime64], first: int) -> pl.Series:
    """One invoice per customer and minute, numbered from `first` on in order of time."""
    minutes = time.astype(np.int64)
    _, number = np.unique(minutes * (customer.max(initial=0) + 1) + customer, return_inverse=True)
    return pl.Series(first + number).cast(pl.String)


def _taken_back(lines: pl.DataFrame, minutes: int) -> pl.DataFrame:
    """The cancelling lines of the given sales."""
    return lines.with_columns(
        pl.format("C{}", "InvoiceNo").alias("InvoiceNo"),
        -pl.col("Quantity"),
        pl.col("InvoiceDate") + timedelta(minutes=minutes),
    )


def _cancellations(lines: pl.DataFrame, rng: np.random.Generator, dirt: float) -> pl.DataFrame:
    """Extra sales that are taken back: some the next hour, one of 70,000 units twelve minutes later."""
    extra = lines.filter(pl.Series(rng.random(len(lines)) < dirt))
    extra = extra.with_columns(pl.format("{}9", "InvoiceNo").alias("InvoiceNo"), pl.lit("17999").alias("CustomerID"))
    huge = extra.head(1).with_columns(pl.lit(70_000, dtype=pl.Int64).alias("Quantity"))
    huge = huge.with_columns(pl.lit("5999999").alias("InvoiceNo"), pl.lit("16446").alias("CustomerID"))
    return pl.concat([extra, _taken_back(extra, 47), huge, _taken_back(huge, 12)])


def _services(lines: pl.DataFrame, rng: np.random.Generator, dirt: float) -> pl.DataFrame:
    """Postage and discounts: lines that sell no product."""
    some = lines.filter(pl.Series(rng.random(len(lines)) < dirt))
    code = pl.Series("StockCode", rng.choice(["POST", "D", "M", "BANK CHARGES"], len(some)))
    return some.with_columns(code, pl.lit(1, dtype=pl.Int64).alias("Quantity"), pl.lit(18.0).alias("UnitPrice"))


def _broken(lines: pl.DataFrame, rng: np.random.Generator, dirt: float) -> pl.DataFrame:
    """Write-offs (negative, free, no customer) and free samples."""
    some = lines.filter(pl.Series(rng.random(len(lines)) < 0.5 * dirt)).with_columns(
        pl.lit(0.0).alias("UnitPrice"),
        pl.lit(None, dtype=pl.String).alias("CustomerID"),
        pl.format("{}7", "InvoiceNo").alias("InvoiceNo"),
    )
    negative = pl.Series(rng.random(len(some)) < 0.6)
    return some.with_columns(pl.when(negative).then(-pl.col("Quantity")).otherwise("Quantity").alias("Quantity"))


def _blemished(frame: pl.DataFrame, rng: np.random.Generator, dirt: float) -> pl.DataFrame:
    """Some codes in lower case or with a blank behind, some descriptions missing."""
    draw = pl.Series(rng.random(len(frame)))
    return frame.with_columns(
        pl.when(draw < dirt)
        .then(pl.col("StockCode").str.to_lowercase())
        .when(draw < 1.5 * dirt)
        .then(pl.col("StockCode") + " ")
        .otherwise("StockCode")
        .alias("StockCode"),
        pl.when(draw > 1 - dirt).then(None).otherwise("Description").alias("Description"),
    )
