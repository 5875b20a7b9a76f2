"""The product file: what is known of each product beside its sales. Where a run's product file is this module, it has
none."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from pricewright.core.errors import SourceError
from pricewright.ingest.columns import TAX_RATE
from pricewright.ingest.stores import Beside, check_one_row_each, numbers_of, rates_of, read_beside

FLOOR, CEILING = "floor", "ceiling"  # hard limits of the price
PRICES = ("stock_code", "store", "unit_price")  # of a file of prices
AMOUNTS = ("unit_cost", FLOOR, CEILING)
PRODUCTS = {
    "stock_code": pl.String,
    "description": pl.String,
    "category": pl.String,
    "brand": pl.String,
    "size": pl.String,
    **dict.fromkeys((*AMOUNTS, TAX_RATE), pl.Float64),
}


def read_products(path: Path, params: Mapping[str, Any], asked: Mapping[str, str]) -> pl.DataFrame:
    """PRODUCTS, a row per product, sorted; null where the file says nothing. `params` is the section `ingest`.

    Raises SourceError for a file without a column of codes, a code that stands for two products, an amount that is no
    number, a rate of tax that is none, or a floor above its ceiling.
    """
    beside = read_beside(path, tuple(PRODUCTS), params, asked, "stock_code", AMOUNTS)
    words = [word for word in PRODUCTS if word != "stock_code"]
    check_one_row_each(beside, "stock_code", words, "a code is one product: correct it, or leave one of the rows out.")
    amounts = {word: numbers_of(beside, word, params["decimal_sign"]) for word in AMOUNTS}
    amounts[TAX_RATE] = rates_of(beside, TAX_RATE)
    beside = beside._replace(rows=beside.rows.with_columns(**amounts))
    _check_limits(beside)
    return beside.rows.select(list(PRODUCTS)).unique("stock_code", keep="first").sort("stock_code")


def read_prices(path: Path, params: Mapping[str, Any]) -> pl.DataFrame:
    """stock_code, store (null for none) and price of a file of prices. `params` is the section `ingest`.

    Raises SourceError for a file without a column of codes or prices, a price that is none or is missing, or a code
    with two prices in a store.
    """
    beside = read_beside(path, PRICES, params, {}, "stock_code", ("unit_price",))
    prices = numbers_of(beside, "unit_price", params["decimal_sign"])
    wrong = prices.is_null() | (prices <= 0)
    if wrong.any():
        row = beside.rows.filter(wrong).row(0, named=True)
        raise SourceError(
            f"{beside.name}: {row['stock_code']} in row {row['row']} has the price {row['unit_price']!r} "
            f"({wrong.sum()} such rows): a number above 0 is needed.",
            "name the column of prices Price, and correct or leave out such rows.",
        )
    table = beside.rows.select("stock_code", "store", price=prices)
    twice = table.unique().filter(pl.struct("stock_code", "store").is_duplicated())
    if twice.height:
        first = twice["stock_code"].sort()[0]
        raise SourceError(f"{beside.name}: {first} has two prices.", "leave one of the rows out.")
    return table.unique(maintain_order=True)


def _check_limits(beside: Beside) -> None:
    wrong = beside.rows.filter(pl.col(FLOOR) > pl.col(CEILING))
    if wrong.height:
        first = wrong.row(0, named=True)
        raise SourceError(
            f"{beside.name}: {first['stock_code']} in row {first['row']} has the floor {first[FLOOR]:g} above its "
            f"ceiling {first[CEILING]:g} ({wrong.height} such products): no price is between them.",
            "correct one of the two, or leave it blank.",
        )
