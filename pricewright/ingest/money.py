"""Reads money: the currency of a source, which must be one, and unit prices from line totals and refunds."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import polars as pl

from pricewright.core.errors import SourceError
from pricewright.ingest.columns import CURRENCY, LINE_TOTAL
from pricewright.ingest.numbers import MONEY, Parts, Signs, codes_of, common, part_numbers, shown, weigh
from pricewright.ingest.tables import Table
from pricewright.ingest.texts import read_texts

HINT = "one source has one currency: convert the amounts, or make it a source for each currency."
DECIMALS = 4  # of a price that comes from a total
SURE, LEAST = 0.7, 30  # share of the lines, and how many lines, that say what a column is
MOST = 20_000  # lines that are looked at, of the products that sell most often


@dataclass(frozen=True)
class Named:
    """A currency's word and the texts of the column of `word` that hold it."""

    currency: str
    word: str
    texts: pl.Series


def look_at_numbers(
    table: Table, named: pl.DataFrame, columns: Mapping[str, str], missing: Sequence[str]
) -> tuple[Signs, str]:
    """What the numbers of a table say of their signs, and its currency; see weigh and find_currency."""
    parts = part_numbers(named)
    currency = find_currency(table, named, columns, parts, missing)
    return weigh(
        parts, columns, table.facts.get("separator", ""), codes_of(currency) if currency else frozenset()
    ), currency


def find_currency(
    table: Table, named: pl.DataFrame, columns: Mapping[str, str], parts: Parts, missing: Sequence[str]
) -> str:
    """The code, or the word where it can be several (`$`, `kr`); empty where the table has none.

    Raises SourceError that names two currencies with the first row of each.
    """
    found = [mention for word in MONEY if word in parts for mention in _beside(word, *parts[word])]
    if CURRENCY in named.columns:
        texts = read_texts(named[CURRENCY], missing).drop_nulls().unique(maintain_order=True)
        found += [Named(text, CURRENCY, pl.Series([text])) for text in texts]
    words = [mention.currency for mention in found]
    if words and not common(words):
        first, second = sorted(_where(table, named, columns, mention) for mention in _disagreeing(found))
        raise SourceError(f"{table.name} has two currencies: {first[1]} and {second[1]}.", HINT)
    return shown(words)


def check_one_currency(tables: Iterable[tuple[str, str]]) -> None:
    """Raises SourceError when tables, by name, have amounts in different currencies."""
    known = [(name, currency) for name, currency in tables if currency]
    codes = codes_of(known[0][1]) if known else frozenset()
    for name, currency in known:
        if not codes & codes_of(currency):
            first, its = known[0]
            raise SourceError(f"the source has two currencies: {its} in {first} and {currency} in {name}.", HINT)
        codes &= codes_of(currency)


def _beside(word: str, texts: pl.Series, parts: pl.DataFrame) -> list[Named]:
    """The words before and after the amounts of a column, in their order."""
    found = []
    for side in ("before", "after"):
        words = parts[side].set(parts["number"].is_null(), None)
        found += [
            Named(each, word, texts.filter(words == each)) for each in words.drop_nulls().unique(maintain_order=True)
        ]
    return found


def _disagreeing(found: Sequence[Named]) -> tuple[Named, Named]:
    pairs = combinations(found, 2)
    return next(pair for pair in pairs if not codes_of(pair[0].currency) & codes_of(pair[1].currency))


def _where(table: Table, named: pl.DataFrame, columns: Mapping[str, str], mention: Named) -> tuple[int, str]:
    """The first row of a currency, and what is said of it."""
    texts, column = named[mention.word].cast(pl.String), columns[mention.word]
    at = texts.str.strip_chars().is_in(mention.texts.str.strip_chars().implode()).arg_max() or 0
    return at, f"{shown([mention.currency])} (first: row {table.row(at)}, {texts[at]!r} in the column {column!r})"


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
    odd = _odd_quantities(lines, divide=word == "unit_price")
    otherwise = odd.filter(pl.col("otherwise") < pl.col("as_read")).height
    lie = odd.filter(pl.col("otherwise") != pl.col("as_read")).height
    if lie < LEAST or otherwise < SURE * lie:
        return
    kind = "a line's total" if word == "unit_price" else "the price of one piece"
    row, code, pieces = odd.select("row", "stock_code", "quantity").row(0)
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
