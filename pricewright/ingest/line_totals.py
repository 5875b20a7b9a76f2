"""Prices of one piece, from whatever a line says of money: its total, a refund's negative amount."""

from collections.abc import Mapping

import polars as pl

from pricewright.core.errors import SourceError
from pricewright.ingest.columns import LINE_TOTAL
from pricewright.ingest.table import Table

DECIMALS = 4  # of a price that comes from a total
SURE, LEAST = 0.7, 30  # share of the lines, and how many lines, that say what a column is
MOST = 20_000  # lines that are looked at, of the products that sell most often


def price_of_one(total: pl.Series, quantity: pl.Series) -> pl.Series:
    """total / quantity with the sign of the total; a line of no piece keeps its total."""
    return (total / quantity.abs().replace(0, 1)).round(DECIMALS)


def take_back(quantity: pl.Series, price: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Quantity and price, where a negative price is a refund: its quantity is negative and its price is not."""
    refund = (price < 0).fill_null(False)
    if not refund.any():
        return quantity, price
    return (-quantity.abs()).zip_with(refund, quantity), price.abs()


def check_reading(table: Table, lines: pl.DataFrame, columns: Mapping[str, str]) -> None:
    """Raises SourceError when a column of unit prices holds totals, or the other way round.

    Within a product and a month, a total goes with the quantity and a price does not: of the lines with twice or half
    the quantity that is usual there, at least SURE lie nearer to its usual price in the wrong reading. Fewer than LEAST
    say nothing.
    """
    word, other = (LINE_TOTAL, "unit_price") if LINE_TOTAL in columns else ("unit_price", LINE_TOTAL)
    told = _odd_quantities(lines, divide=word == "unit_price")
    otherwise = told.filter(pl.col("otherwise") < pl.col("as_read")).height
    lie = told.filter(pl.col("otherwise") != pl.col("as_read")).height
    if lie < LEAST or otherwise < SURE * lie:
        return
    kind = "a line's total" if word == "unit_price" else "the price of one piece"
    row, code, pieces = told.select("row", "stock_code", "quantity").row(0)
    raise SourceError(
        f"{table.name}: the column {columns[word]!r} ({word}) looks like {kind}: {otherwise:,} of {lie:,} lines with "
        f"an unusual quantity say so (first: row {row}, {pieces:g} of {code}).",
        f'--column "{other}={columns[word]}".',
    )


def _odd_quantities(lines: pl.DataFrame, *, divide: bool) -> pl.DataFrame:
    """Lines with twice or half the quantity that is usual for their product in that month.

    as_read, otherwise: how far the price lies from its product's usual one of the month, in logarithms, as it was read
    and when it is divided by the quantity once more, or else multiplied by it.
    """
    quantity, price = pl.col("quantity"), pl.col("unit_price")
    sold = lines.filter(pl.col("reason").is_null() & (price > 0) & (quantity > 0))
    often = sold["stock_code"].value_counts(sort=True).sort("count", "stock_code", descending=[True, False])
    often = often.filter((pl.col("count").cum_sum() <= MOST) | (pl.int_range(pl.len()) == 0))
    month = pl.col("invoice_time").dt.truncate("1mo").alias("month")
    sample = sold.join(often, on="stock_code", how="semi").select("row", "stock_code", quantity, price, month)
    same = ("stock_code", "month")
    usual = quantity.median().over(*same)
    odd = (quantity >= 2 * usual) | (2 * quantity <= usual)
    readings = {"as_read": price.log(), "otherwise": (price / quantity if divide else price * quantity).log()}
    away = {name: (each - each.median().over(*same)).abs().round(6) for name, each in readings.items()}
    return sample.select("row", "stock_code", "quantity", odd=odd, **away).filter("odd").sort("row")
