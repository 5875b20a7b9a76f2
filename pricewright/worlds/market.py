"""A simulated market with known demand curves, and the sales lines that its weekly units become.

Weekly units are negative binomial around level x season x trend x shocks x curve(price), with curves of
five shapes that no model is told about. The weeks become sales lines, messy ones among them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pricewright.core.errors import ParameterError

Floats = NDArray[np.float64]

# Units at price ratio r over units at r = 1, for an elasticity of -e at r = 1.
SHAPES: dict[str, Callable[[Floats, Floats], Floats]] = {
    "constant elasticity": lambda r, e: r**-e,
    "exponential": lambda r, e: np.exp(-e * (r - 1)),
    "logit": lambda r, e: 2 / (1 + np.exp(2 * e * (r - 1))),  # half of the market buys at r = 1
    "linear": lambda r, e: np.maximum(1 - e * (r - 1), 0.02),
    "kinked": lambda r, e: np.where(r > 1, r ** -(1.4 * e), r ** -(0.8 * e)),
}
REGIMES = ("mixed", "confounded", "thin", "shifted")
PACKS = np.array([1, 2, 4, 6, 12, 24])
COUNTRIES = ("United Kingdom", "United Kingdom", "United Kingdom", "United Kingdom", "Germany", "France", "EIRE")
OPENING = 8 * 60  # minutes after midnight
OPEN_MINUTES = 10 * 60
FIRST_INVOICE, INVOICES_A_WEEK = 536365, 10_000_000
TRADING_DAYS = np.array([0, 1, 2, 3, 4, 6])  # no sales on Saturdays
_NOUNS = ("LANTERN", "MUG", "CAKE STAND", "PARASOL", "BUNTING", "DOORMAT", "CANDLE", "JAM JAR", "CLOCK", "PENCIL TIN")


@dataclass(frozen=True)
class Market:
    """Weekly truth of n SKUs over T weeks; week T is the coming one and its units are never sold.

    prices, units: (n, T); coming_base: (n,) expected units of the coming week at the reference price;
    elasticity: (n,) the true one at the reference price in the coming week, negative.
    """

    codes: tuple[str, ...]
    weeks: tuple[date, ...]
    prices: Floats
    units: Floats
    reference: Floats
    unit_cost: Floats
    coming_base: Floats
    elasticity: Floats
    shape: tuple[str, ...]

    def expected_units(self, sku: int, price: Floats) -> Floats:
        """True expected units of the coming week at the given prices of one SKU; the shape of `price`."""
        ratio = np.asarray(price, dtype=np.float64) / self.reference[sku]
        units: Floats = self.coming_base[sku] * SHAPES[self.shape[sku]](ratio, -self.elasticity[sku])
        return units

    def transactions(self, params: Mapping[str, Any]) -> pl.DataFrame:
        """The market's sales lines, messy as real ones, in the columns of the UCI file."""

        return to_transactions(self, params)


def simulate(params: Mapping[str, Any]) -> Market:
    """The market that `params` describe: regime, skus, weeks, seed, first_week (a Monday)."""
    regime, n, weeks = params["regime"], int(params["skus"]), int(params["weeks"])
    if regime not in REGIMES:
        raise ParameterError(f"market.regime is {regime!r}: it must be one of {', '.join(REGIMES)}.")
    rng = np.random.default_rng(params["seed"])
    state = _demand_state(rng, n, weeks + 1)
    reference = np.round(np.exp(rng.normal(1.2, 0.8, n)).clip(0.4, 60.0), 2)
    ratio = _price_paths(rng, n, weeks, regime, state[:, :weeks])
    prices = np.maximum(np.round(reference[:, None] * ratio, 2), 0.05)
    early = np.exp(rng.normal(np.log(1.9), 0.45, n)).clip(0.3, 6.0)
    late = (early * np.exp(rng.normal(0.15, 0.4, n))).clip(0.3, 6.0) if regime == "shifted" else early
    shift_week = weeks - int(params["shift_weeks"])
    shape = tuple(rng.choice(list(SHAPES), n))
    level = np.exp(rng.normal(np.log(params["units_per_week"]), 1.0, n))
    curve = np.stack(
        [
            np.where(np.arange(weeks) < shift_week, *(SHAPES[s](p / r, np.asarray(e)) for e in (a, b)))
            for s, p, r, a, b in zip(shape, prices, reference, early, late, strict=True)
        ]
    )
    mean = level[:, None] * np.exp(state[:, :weeks]) * curve
    size = np.exp(rng.normal(np.log(4.0), 0.4, n))[:, None]
    units = rng.poisson(mean * rng.gamma(size, 1 / size, mean.shape)).astype(np.float64)
    units *= np.arange(weeks) >= _first_week(rng, n, weeks)[:, None]
    first = date.fromisoformat(str(params["first_week"]))
    return Market(
        codes=_codes(rng, n),
        weeks=tuple(first + timedelta(weeks=i) for i in range(weeks)),
        prices=prices,
        units=units,
        reference=reference,
        unit_cost=np.round(reference * rng.uniform(0.35, 0.6, n), 2),
        coming_base=level * np.exp(state[:, weeks]),
        elasticity=-late,
        shape=shape,
    )


def _demand_state(rng: np.random.Generator, n: int, weeks: int) -> Floats:
    """Log demand at the reference price, apart from the level: season, trend, slow shocks, shop-wide weeks."""
    week = np.arange(weeks)
    phase = 2 * np.pi * week / 52.18
    season = rng.normal(0, 0.25, (n, 1)) * np.sin(phase) + rng.normal(-0.15, 0.25, (n, 1)) * np.cos(phase)
    season += rng.normal(0, 0.12, (n, 1)) * np.sin(2 * phase) + rng.normal(0, 0.12, (n, 1)) * np.cos(2 * phase)
    trend = rng.normal(0, 0.25, (n, 1)) * (week / 52.18 - 1)
    shock = np.zeros((n, weeks))
    for t in range(1, weeks):  # an autoregression: 0.9 of last week's state stays
        shock[:, t] = 0.9 * shock[:, t - 1] + rng.normal(0, 0.10, n)
    shop = rng.normal(0, 0.12, weeks) + 0.35 * np.exp(-(((week % 52.18) - 49) ** 2) / 18)
    state: Floats = season + trend + shock + shop
    return state


def _price_paths(rng: np.random.Generator, n: int, weeks: int, regime: str, state: Floats) -> Floats:
    """Price over reference price, (n, weeks): list price changes and promotions, as the regime has them."""
    thin = regime == "thin"
    changes = rng.random((n, weeks)) < (0.015 if thin else 0.035)
    steps = np.where(changes, rng.normal(0, 0.05 if thin else 0.09, (n, weeks)), 0.0)
    list_price = np.zeros((n, weeks))
    for t in range(1, weeks):  # list prices wander and are pulled back towards the usual one
        list_price[:, t] = np.where(changes[:, t], 0.7 * list_price[:, t - 1] + steps[:, t], list_price[:, t - 1])
    starts = rng.random((n, weeks)) < (0.0 if thin else 0.03)
    depth = np.where(starts, rng.choice([0.1, 0.15, 0.2, 0.25, 0.3], (n, weeks)), 0.0)
    depth = np.maximum(depth, np.roll(depth * (rng.random((n, weeks)) < 0.5), 1, axis=1))
    log_price = list_price + np.log1p(-depth)
    if regime == "confounded":  # prices follow demand: dear when it is high, week by week
        wave = state - state.mean(axis=1, keepdims=True)
        log_price += rng.uniform(0.2, 0.6, (n, 1)) * wave + rng.normal(0, 0.02, (n, weeks))
    ratio: Floats = np.exp(log_price.clip(-0.7, 0.7))
    return ratio


def _first_week(rng: np.random.Generator, n: int, weeks: int) -> NDArray[np.int64]:
    """Most SKUs are there from the start, one in five is listed during the first two thirds."""
    return np.where(rng.random(n) < 0.2, rng.integers(1, max(2, weeks * 2 // 3), n), 0)


def _codes(rng: np.random.Generator, n: int) -> tuple[str, ...]:
    """Five digits (more where there are more SKUs), some with a letter for the colour, like the real shop's codes."""
    numbers = rng.choice(np.arange(20000, max(90000, 20000 + n)), n, replace=False)
    letters = rng.choice(["", "", "", "A", "B"], n)
    return tuple(f"{number}{letter}" for number, letter in zip(numbers, letters, strict=True))


def to_transactions(market: "Market", params: Mapping[str, Any]) -> pl.DataFrame:
    """Sales lines in the UCI columns, in order of time; `params["dirt"]` is the share of messy lines."""
    rng = np.random.default_rng([int(params["seed"]), 1])
    units, prices = market.units, market.prices
    if days := int(params["cut_off_days"]):  # the week after the last full one has begun
        begun = rng.poisson(market.coming_base * days / 7).astype(np.float64)
        units, prices = np.column_stack([units, begun]), np.column_stack([prices, prices[:, -1]])
    pack = rng.choice(PACKS, len(units))
    lines = _sales_lines(market, rng, units, prices, pack, days)
    return _with_messy_lines(lines, rng, float(params["dirt"]))


def to_transactions_of_week(market: "Market", week: int, params: Mapping[str, Any]) -> pl.DataFrame:
    """The sales lines of one week alone (0, 1, ...), for markets whose lines fit into no memory; other lines than those
    of ring_up, by the same rules. Customers and invoices are numbered week by week: customers come again."""
    seed = int(params["seed"])
    pack = np.random.default_rng([seed, 2]).choice(PACKS, len(market.units))
    rng = np.random.default_rng([seed, 3, week])
    alone = replace(market, weeks=market.weeks[week : week + 1])
    units, prices = market.units[:, week : week + 1], market.prices[:, week : week + 1]
    lines = _sales_lines(alone, rng, units, prices, pack, 0, first_invoice=FIRST_INVOICE + week * INVOICES_A_WEEK)
    return _with_messy_lines(lines, rng, float(params["dirt"]))


def _with_messy_lines(lines: pl.DataFrame, rng: np.random.Generator, messy_share: float) -> pl.DataFrame:
    """The sales lines among what else a till writes down, in order of time."""
    parts = [lines]
    if messy_share > 0:
        parts += [
            _cancellations(lines, rng, messy_share),
            _services(lines, rng, messy_share),
            _broken(lines, rng, messy_share),
        ]
    frame = pl.concat(parts).sort("InvoiceDate", "InvoiceNo", "StockCode", "Quantity", maintain_order=True)
    if messy_share > 0:
        again = frame.filter(pl.Series(rng.random(len(frame)) < 0.5 * messy_share))
        frame = pl.concat([frame, again]).sort("InvoiceDate", maintain_order=True)
        frame = _blemished(frame, rng, messy_share)
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


def _cancellations(lines: pl.DataFrame, rng: np.random.Generator, messy_share: float) -> pl.DataFrame:
    """Extra sales that are taken back: some the next hour, one of 70,000 units twelve minutes later."""
    extra = lines.filter(pl.Series(rng.random(len(lines)) < messy_share))
    extra = extra.with_columns(pl.format("{}9", "InvoiceNo").alias("InvoiceNo"), pl.lit("17999").alias("CustomerID"))
    huge = extra.head(1).with_columns(pl.lit(70_000, dtype=pl.Int64).alias("Quantity"))
    huge = huge.with_columns(pl.lit("5999999").alias("InvoiceNo"), pl.lit("16446").alias("CustomerID"))
    return pl.concat([extra, _taken_back(extra, 47), huge, _taken_back(huge, 12)])


def _services(lines: pl.DataFrame, rng: np.random.Generator, messy_share: float) -> pl.DataFrame:
    """Postage and discounts: lines that sell no product."""
    some = lines.filter(pl.Series(rng.random(len(lines)) < messy_share))
    code = pl.Series("StockCode", rng.choice(["POST", "D", "M", "BANK CHARGES"], len(some)))
    return some.with_columns(code, pl.lit(1, dtype=pl.Int64).alias("Quantity"), pl.lit(18.0).alias("UnitPrice"))


def _broken(lines: pl.DataFrame, rng: np.random.Generator, messy_share: float) -> pl.DataFrame:
    """Write-offs (negative, free, no customer) and free samples."""
    some = lines.filter(pl.Series(rng.random(len(lines)) < 0.5 * messy_share)).with_columns(
        pl.lit(0.0).alias("UnitPrice"),
        pl.lit(None, dtype=pl.String).alias("CustomerID"),
        pl.format("{}7", "InvoiceNo").alias("InvoiceNo"),
    )
    negative = pl.Series(rng.random(len(some)) < 0.6)
    return some.with_columns(pl.when(negative).then(-pl.col("Quantity")).otherwise("Quantity").alias("Quantity"))


def _blemished(frame: pl.DataFrame, rng: np.random.Generator, messy_share: float) -> pl.DataFrame:
    """Some codes in lower case or with a blank behind, some descriptions missing."""
    draw = pl.Series(rng.random(len(frame)))
    return frame.with_columns(
        pl.when(draw < messy_share)
        .then(pl.col("StockCode").str.to_lowercase())
        .when(draw < 1.5 * messy_share)
        .then(pl.col("StockCode") + " ")
        .otherwise("StockCode")
        .alias("StockCode"),
        pl.when(draw > 1 - messy_share).then(None).otherwise("Description").alias("Description"),
    )
