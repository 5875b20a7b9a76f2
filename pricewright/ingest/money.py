"""The currency of a source: the words beside its amounts and those of a column of currencies, which must agree."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import polars as pl

from pricewright.core.errors import SourceError
from pricewright.ingest.columns import CURRENCY
from pricewright.ingest.currencies import codes_of, common, shown
from pricewright.ingest.notation import MONEY, Parts, Signs, part_numbers, weigh
from pricewright.ingest.table import Table
from pricewright.ingest.texts import read_texts

HINT = "one source has one currency: convert the amounts, or make it a source for each currency."


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
