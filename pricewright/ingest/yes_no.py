"""Columns that answer yes or no: "Yes", true, 1, "out of stock". A promotion may hold for a share of what was sold."""

import polars as pl

from pricewright.ingest.numbers import read_numbers

YES = ("yes", "y", "true", "t", "in stock", "instock", "available")
NO = ("no", "n", "false", "f", "out of stock", "outofstock", "unavailable", "sold out")


def read_shares(texts: pl.Series) -> pl.Series:
    """The texts as f64 from 0 (no) to 1 (yes), null where they are neither a word nor such a number. Never raises."""
    different = texts.unique(maintain_order=True).drop_nulls()
    words = different.str.strip_chars().str.to_lowercase()
    answers = dict.fromkeys(YES, 1.0) | dict.fromkeys(NO, 0.0)
    said = words.replace_strict(answers, default=None, return_dtype=pl.Float64)
    numbers = read_numbers(words.set(said.is_not_null(), None))
    values = said.fill_null(numbers.set(~numbers.is_between(0, 1).fill_null(False), None))
    return texts.replace_strict(different, values, default=None, return_dtype=pl.Float64)


def read_flags(texts: pl.Series) -> pl.Series:
    """The same as Boolean: whether the share is above zero."""
    return read_shares(texts) > 0
