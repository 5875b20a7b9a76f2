"""The store file: which zone a store is in. Where a run's store file is this module, it has none.

Also how any table beside the sales is read: one table, in a format that sources may have, whose columns are found by
the names that the sales have them by.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from pricewright.core.errors import SourceError
from pricewright.ingest.columns import STORE, ZONE, find_named, with_header
from pricewright.ingest.lines import UNNAMEABLE
from pricewright.ingest.numbers import read_numbers
from pricewright.ingest.source import find_files, read_file
from pricewright.ingest.tables import Table
from pricewright.ingest.texts import read_rates, read_texts

STORES = {STORE: pl.String, ZONE: pl.String}


class Beside(NamedTuple):
    """A table beside the sales. rows: by word, texts, each with `row`, its number in the file."""

    name: str
    columns: dict[str, str]
    rows: pl.DataFrame


def read_stores(path: Path, params: Mapping[str, Any], asked: Mapping[str, str]) -> pl.DataFrame:
    """STORES, a row per store, sorted; zone is null where the file names none. `params` is the section `ingest`.

    Raises SourceError for a file without a column of stores, or a store in two zones.
    """
    beside = read_beside(path, tuple(STORES), params, asked, key=STORE)
    for word in STORES:
        refuse_where(beside, word, beside.rows[word].str.contains(UNNAMEABLE), "no @ and no control character")
    check_one_row_each(beside, STORE, (ZONE,), "a store is in one zone: leave one of the rows out.")
    return beside.rows.select(list(STORES)).unique(STORE, keep="first").sort(STORE)


def read_beside(
    path: Path,
    words: Sequence[str],
    params: Mapping[str, Any],
    asked: Mapping[str, str],
    key: str,
    amounts: Sequence[str] = (),
) -> Beside:
    """The rows of a file that have a `key`, by these words; a word without a column is null in all of them.

    amounts: the words whose texts stay as they are written, for 2.000 may be two thousand.
    Raises SourceError where the file cannot be read, holds several tables, or has no column for the key.
    """
    known = params["columns"] | params["product_columns"]
    files = find_files(path)
    read = [with_header(table, known, asked) for file in files for table in read_file(file, file.name)]
    tables = [table for table in read if table.frame.height]
    if len(tables) != 1:
        raise SourceError(f"{path.name} holds {len(tables)} tables: one is needed.", "give one sheet or file alone.")
    (table,) = tables
    columns = find_named(table, words, known, asked)
    if key not in columns:
        raise SourceError(
            f"{table.name} has no column for {key} (its columns are {', '.join(table.frame.columns[:20])}).",
            f"name it: --column {key}=NAME, or add its name to ingest.columns.{key} in params.yaml.",
        )
    return Beside(table.name, columns, _texts(table, words, columns, params, amounts).drop_nulls(key))


def numbers_of(beside: Beside, word: str, sign: str | None) -> pl.Series:
    """A word's texts as numbers not below 0; null where blank. Raises SourceError for what is none."""
    texts = beside.rows[word]
    values = read_numbers(texts, sign)
    wrong = texts.is_not_null() & (values.is_null() | (values < 0))
    refuse_where(beside, word, wrong, "a number of at least 0 is needed")
    return values


def rates_of(beside: Beside, word: str) -> pl.Series:
    """A word's texts as shares from 0 to 1, where 0.2, 20 and 20% are one; null where blank. Raises SourceError."""
    texts = beside.rows[word]
    rates = read_rates(texts)
    refuse_where(beside, word, texts.is_not_null() & rates.is_null(), "a rate is needed, such as 0.2 or 20%")
    return rates


def check_one_row_each(beside: Beside, key: str, words: Sequence[str], hint: str) -> None:
    """Raises SourceError when two rows have the same key and say different things; equal rows are one."""
    different = beside.rows.unique([key, *words], keep="first", maintain_order=True)
    twice = different.filter(pl.col(key).is_duplicated()).sort(key, "row", maintain_order=True)
    if twice.height:
        name = twice[key][0]
        first, second = twice.filter(pl.col(key) == name).head(2).iter_rows(named=True)
        rows = " and ".join(f"row {each['row']} ({_values(each, words)})" for each in (first, second))
        raise SourceError(f"{beside.name} has {key} {name!r} twice: {rows}.", hint)


def _values(row: Mapping[str, Any], words: Sequence[str]) -> str:
    return ", ".join(f"{word} {row[word]}" for word in words if row[word] is not None) or "nothing else"


def _texts(
    table: Table, words: Sequence[str], columns: Mapping[str, str], params: Mapping[str, Any], amounts: Sequence[str]
) -> pl.DataFrame:
    texts = dict.fromkeys(words, pl.repeat(None, table.frame.height, dtype=pl.String, eager=True))
    for word, column in columns.items():
        cells = table.frame[column]
        texts[word] = read_texts(cells, params["missing_values"])
        if word in amounts and cells.dtype == pl.String:
            texts[word] = cells.str.strip_chars().set(texts[word].is_null(), None)
    return pl.DataFrame({"row": pl.int_range(table.row(0), table.row(table.frame.height), eager=True), **texts})


def refuse_where(beside: Beside, word: str, wrong: pl.Series, rule: str) -> None:
    """Raises SourceError with the first of the rows that are wrong (a mask over all of them)."""
    if wrong.any():
        first = beside.rows.filter(wrong.fill_null(False)).row(0, named=True)
        raise SourceError(
            f"{beside.name}: {word} is {first[word]!r} in row {first['row']} ({wrong.sum()} such rows): {rule}.",
            f"correct it in the column {beside.columns.get(word, word)!r}, or name another: --column {word}=NAME.",
        )
