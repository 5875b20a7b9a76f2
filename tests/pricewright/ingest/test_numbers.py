"""Numbers are read as their column writes them; what does not fit is no number."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pricewright.core.errors import ParameterError, SourceError
from pricewright.ingest import Ingested, clean
from pricewright.ingest.numbers import read_numbers
from pricewright.ingest.source import find_documents, read_tables
from pricewright.ingest.weekly import IncrementalIngest
from testing.plain_shop import plain_shop

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


Params = dict[str, Any]
Write = Callable[[float], str]
SHOP = plain_shop(weeks=10)
GERMAN = str.maketrans(",.", ".,")


def point(decimals: int, times: float = 1) -> Write:
    return lambda number: f"{number * times:,.{decimals}f}"


def comma(decimals: int, times: float = 1) -> Write:
    return lambda number: point(decimals, times)(number).translate(GERMAN)


def grouped(text: str) -> Write:
    """Thousands set apart by a text."""
    return lambda number: f"{number * 1000:,.2f}".replace(",", text)


def indian(number: float) -> str:
    whole, decimals = f"{number * 100_000:.2f}".split(".")
    front, last = whole[:-3], whole[-3:]
    pairs = [front[max(0, end - 2) : end] for end in range(len(front), 0, -2)][::-1]
    return f"₹{','.join([*pairs, last])}.{decimals}"


def write(path: Path, quantity: Write, price: Write, separator: str = ";", shop: pl.DataFrame = SHOP) -> Path:
    shop.with_columns(
        quantity=pl.Series([quantity(pieces) for pieces in shop["quantity"]]),
        unit_price=pl.Series([price(money) for money in shop["unit_price"]]),
    ).write_csv(path, separator=separator)
    return path


def read(path: Path, params: Params) -> Ingested:
    return clean(read_tables(path), params)


def sold(found: Ingested) -> tuple[int, float]:
    """Units and the mean price of a line."""
    return int(found.accepted["quantity"].sum()), float(found.accepted["unit_price"].mean())  # type: ignore[arg-type]


UNITS, MEAN = int(SHOP["quantity"].sum()), float(SHOP["unit_price"].mean())  # type: ignore[arg-type]
# How quantities and prices are written, the separator, and what one of each then is.
DECIDED: dict[str, tuple[Write, Write, str, float, float]] = {
    "a till that counts in three decimals": (comma(3), comma(2), ";", 1, 1),
    "prices in three decimals, told by the semicolons": (str, comma(3), ";", 1, 1),
    "both in three decimals, told by the semicolons": (comma(3), comma(3), ";", 1, 1),
    "three decimals with points beside prices with points": (point(3), point(2), ",", 1, 1),
    "thousands with points beside prices with commas": (comma(0, 1000), comma(2), ";", 1000, 1),
    "thousands with commas beside prices with points": (point(0, 1000), point(2), ",", 1000, 1),
    "thousands among semicolons beside prices below": (str, comma(0, 100), ";", 1, 100),
    "thousands in quotes among commas": (str, point(0, 10_000), ",", 1, 10_000),
    "thousands among tabs beside costs of pennies": (comma(3), comma(3, 0.01), "\t", 1, 0.01),
    "lakhs": (str, indian, ",", 1, 100_000),
    "apostrophes": (str, grouped("'"), ",", 1, 1000),
    "narrow blanks": (str, grouped("\u202f"), "\t", 1, 1000),
    "rupiah among commas": (str, lambda price: f"Rp{comma(0, 10_000)(price)}", ",", 1, 10_000),
    "won among semicolons": (str, lambda price: f"₩{point(0, 10_000)(price)}", ";", 1, 10_000),
    "dinars of thousand fils": (str, lambda price: f"{price:.3f} KWD", "\t", 1, 1),
}


@pytest.mark.parametrize("case", DECIDED)
def test_the_whole_file_says_what_its_signs_mean(case: str, params: Params, tmp_path: Path) -> None:
    quantity, price, separator, pieces, money = DECIDED[case]
    found = read(write(tmp_path / "shop.csv", quantity, price, separator), params)
    assert found.counts["quarantined"] == 0
    assert sold(found) == (UNITS * pieces, pytest.approx(MEAN * money, rel=1e-3))


def test_a_group_that_begins_with_zero_is_no_thousands(params: Params, tmp_path: Path) -> None:
    write(tmp_path / "shop.csv", str, comma(3, 0.01), "\t")
    assert read(tmp_path / "shop.csv", params).accepted["unit_price"].max() < 1  # type: ignore[operator]


UNDECIDED = {
    "prices among tabs": (str, point(3, 10), "\t"),
    "pieces with points among commas": (lambda pieces: f"{pieces:.3f}", lambda price: str(round(price)), ","),
    "pieces with points among semicolons": (lambda pieces: f"{pieces:.3f}", lambda price: str(round(price)), ";"),
    "prices with points among semicolons": (str, point(3), ";"),
    "prices and pieces with points among semicolons": (lambda pieces: f"{pieces:.3f}", point(3), ";"),
    "dear prices with points among semicolons": (str, comma(0, 1000), ";"),
    "pieces in quotes among commas": (comma(3), lambda price: str(round(price)), ","),
}


@pytest.mark.parametrize("case", UNDECIDED)
def test_what_nothing_decides_is_asked_for(case: str, params: Params, tmp_path: Path) -> None:
    quantity, price, separator = UNDECIDED[case]
    path = write(tmp_path / "shop.csv", quantity, price, separator, SHOP.filter(pl.col("unit_price") > 1))
    with pytest.raises(SourceError, match=r"shop.csv: '.*' in the column .* can be [\d.]+ or [\d.]+: no") as error:
        read(path, params)
    assert "ingest.decimal_sign=" in error.value.hint
    with pytest.raises(SourceError, match="no number of the source says"):
        survey(path, params, tmp_path)


def test_the_answer_is_a_parameter(params: Params, tmp_path: Path) -> None:
    path = write(tmp_path / "shop.csv", str, point(3), "\t", SHOP.filter(pl.col("unit_price") >= 1))
    found = [read(path, params | {"decimal_sign": sign}).accepted["unit_price"].mean() for sign in (".", ",")]
    assert found[1] == pytest.approx(1000 * found[0])  # type: ignore[operator]
    with pytest.raises(ParameterError, match="decimal_sign is ';': it must be"):
        read(path, params | {"decimal_sign": ";"})


def test_what_is_written_in_another_way_than_most_is_set_aside(params: Params, tmp_path: Path) -> None:
    odd = iter(range(SHOP.height))
    path = write(tmp_path / "shop.csv", str, lambda price: f"{price:.2f}" if next(odd) < 5 else comma(2)(price))
    found = read(path, params)
    assert found.counts["reasons"] == {"unreadable price": 5}
    assert found.counts["read_as"]["shop.csv"]["numbers"] == "1.234,50"


def test_a_column_that_is_clear_in_itself_is_read_as_it_is(params: Params, tmp_path: Path) -> None:
    path = write(tmp_path / "shop.csv", lambda pieces: f"{pieces}.0", comma(2))
    assert sold(read(path, params)) == (UNITS, pytest.approx(MEAN))


def test_a_slip_in_a_column_of_unclear_values_decides_nothing(params: Params, tmp_path: Path) -> None:
    odd = iter(range(SHOP.height))
    path = write(tmp_path / "shop.csv", lambda pieces: "1.50" if next(odd) < 2 else comma(3)(pieces), comma(2), "\t")
    found = read(path, params)
    assert found.counts["reasons"] == {"unreadable quantity": 2}
    assert found.accepted["quantity"].max() == SHOP["quantity"].max()


def survey(source: Path, params: Params, folder: Path) -> dict[str, Any]:
    """How the tables were read week by week, with a shelf in the folder."""
    return IncrementalIngest(folder / "shelf", params).make(find_documents(source, folder / "known.json")).counts


def test_another_file_of_the_source_decides_for_one_that_says_nothing(params: Params, tmp_path: Path) -> None:
    source, shop = tmp_path / "exports", SHOP.filter(pl.col("unit_price") > 1)
    source.mkdir()
    write(source / "a.csv", str, point(3), "\t", shop[:100])
    with pytest.raises(SourceError, match="can be"):
        survey(source, params, tmp_path)
    write(source / "b.csv", str, point(2), "\t", shop[100:])
    expected = {"a.csv": "1,234.50", "b.csv": "1,234.50"}
    for counts in (survey(source, params, tmp_path), read(source, params).counts):
        assert {name: table["numbers"] for name, table in counts["read_as"].items()} == expected
    write(source / "b.csv", comma(0, 1000), comma(2), "\t", shop[100:])
    counts = survey(source, params, tmp_path)
    assert {table["numbers"] for table in counts["read_as"].values()} == {"1.234,50"}
    assert counts["units"] == read(source, params).counts["units"]


def test_a_workbook_of_numbers_needs_no_sign(params: Params, tmp_path: Path) -> None:
    SHOP.write_excel(tmp_path / "shop.xlsx")
    found = read(tmp_path / "shop.xlsx", params)
    assert sold(found) == (UNITS, pytest.approx(MEAN)) and "numbers" not in found.counts["read_as"]["shop.xlsx"]
