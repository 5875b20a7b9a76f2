"""Numbers are read as their column writes them; what does not fit is no number."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pricewright.ingest.numbers import read_numbers

COLUMNS = {
    "plain": (["2.55", "-3", " 7 ", "1e3", ".5"], [2.55, -3, 7, 1000, 0.5]),
    "decimal comma": (["2,55", "1.000,50", "-3"], [2.55, 1000.5, -3]),
    "thousands": (["1,234.50", "12"], [1234.5, 12]),
    "only thousands": (["1,234", "2,000"], [1234, 2000]),
    "three decimals": (["1,234", "2,5"], [1.234, 2.5]),
    "points for thousands": (["1.234.567", "2.000"], [1234567, 2000]),
    "currency": (["£2.55", "$ 4", "4 €", "EUR 5", "5 GBP", "-£2.50", "£-2.50"], [2.55, 4, 4, 5, 5, -2.5, -2.5]),
    "bookkeepers": (["(3)", "3-", "1'000.50", "1\u00a0000.50"], [-3, -3, 1000.5, 1000.5]),
    "one in another style": (["2,55", "3,10", "4.75"], [2.55, 3.1, None]),
    "no numbers": (["abc", "", None, "nan", "inf", "1.2.3", "--3", "2 for 3"], [None] * 8),
}


@pytest.mark.parametrize(("texts", "expected"), COLUMNS.values(), ids=COLUMNS.keys())
def test_a_column_is_read_in_its_own_style(texts: list[str], expected: list[float | None]) -> None:
    assert read_numbers(pl.Series(texts, dtype=pl.String)).to_list() == expected


def test_numbers_stay_numbers_and_only_finite_ones() -> None:
    assert read_numbers(pl.Series([1, None, -3])).to_list() == [1, None, -3]
    assert read_numbers(pl.Series([2.5, float("nan"), float("inf")])).to_list() == [2.5, None, None]
    assert read_numbers(pl.Series([True])).to_list() == [None]


@settings(deadline=None)
@given(st.lists(st.floats(-1e9, 1e9).map(lambda x: round(x, 2)), min_size=1))
def test_every_number_written_in_german_is_read_in_german(numbers: list[float]) -> None:
    written = [f"{number:,.2f}".translate(str.maketrans(",.", ".,")) for number in numbers]
    assert read_numbers(pl.Series(written)).to_list() == numbers


@settings(deadline=None, max_examples=50)
@given(st.lists(st.text(max_size=12), min_size=1))
def test_no_text_makes_it_fail(texts: list[str]) -> None:
    assert len(read_numbers(pl.Series(texts))) == len(texts)
