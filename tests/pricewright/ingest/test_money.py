"""Money is read as shops write it; a source has one currency."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pricewright.core.errors import SourceError
from pricewright.ingest import Ingested, clean
from pricewright.ingest.source import find_documents, read_tables
from pricewright.ingest.weekly import IncrementalIngest
from testing.plain_shop import plain_shop

Params = dict[str, Any]
SHOP = plain_shop(weeks=10)
# How a shop writes its prices, and the currency that is shown; {} is the number with two decimals.
WAYS = {
    "R$ {}": "BRL", "{} zł": "PLN", "{} zl": "PLN", "{} kr": "kr", "{}kr.": "kr.", "Rp{}": "IDR", "CHF {}": "CHF",
    "US$ {}": "USD", "€ {}": "EUR", "{}€": "EUR", "{} EUR": "EUR", "eur {}": "EUR", "₹{}": "INR", "Rs. {}": "Rs.",
    "{} Kč": "CZK", "{} Ft": "HUF", "{} lei": "lei", "{} лв.": "BGN", "{} ₽": "RUB", "{} TL": "TRY", "₺{}": "TRY",
    "د.إ {}": "AED", "{} ر.س": "SAR", "RM{}": "MYR", "R {}": "ZAR", "KSh {}": "KES", "S/ {}": "PEN",
    "${} USD": "USD", "A${}": "AUD", "HK${}": "HKD", "₦{}": "NGN", "฿{}": "THB", "₱ {}": "PHP", "₪{}": "ILS",
    "{}": "", "${}": "$", "¥{}": "¥", "Fr. {}": "CHF",
}  # fmt: skip


def write(path: Path, prices: list[str], **columns: Any) -> Path:
    SHOP.with_columns(unit_price=pl.Series(prices), **columns).write_csv(path, separator="\t")
    return path


def read(path: Path, params: Params) -> Ingested:
    return clean(read_tables(path), params)


@pytest.mark.parametrize("way", WAYS)
def test_prices_are_read_in_every_usual_way(way: str, params: Params, tmp_path: Path) -> None:
    path = write(tmp_path / "shop.csv", [way.format(f"{price:.2f}") for price in SHOP["unit_price"]])
    found = read(path, params)
    assert found.accepted["unit_price"].to_list() == SHOP["unit_price"].to_list()
    assert found.counts["read_as"]["shop.csv"].get("currency", "") == WAYS[way]


def test_words_that_are_no_currency_are_no_part_of_a_price(params: Params, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"no number \(first: row 2, '[\d.]+ each'\)"):
        read(write(tmp_path / "shop.csv", [f"{price} each" for price in SHOP["unit_price"]]), params)


def otherwise_from(row: int, other: str, price: str = "{}") -> Callable[[], list[str]]:
    return lambda: [
        (other if at >= row else price).format(f"{money:.2f}") for at, money in enumerate(SHOP["unit_price"])
    ]


MIXED = {
    "signs": (otherwise_from(7, "${}", "{} €"), r"EUR \(first: row 2, .* €'.*\) and \$ \(first: row 9, '\$"),
    "codes": (otherwise_from(3, "USD {}", "CAD {}"), r"CAD \(first: row 2, .*\) and USD \(first: row 5, "),
}


@pytest.mark.parametrize("mixed", MIXED)
def test_two_currencies_are_named_with_the_first_row_of_each(mixed: str, params: Params, tmp_path: Path) -> None:
    prices, message = MIXED[mixed]
    with pytest.raises(SourceError, match=f"shop.csv has two currencies: {message}") as error:
        read(write(tmp_path / "shop.csv", prices()), params)
    assert "convert" in error.value.hint


def test_a_sign_that_some_prices_lack_is_no_second_currency(params: Params, tmp_path: Path) -> None:
    prices = otherwise_from(SHOP.height - 2, "£{}")()
    assert read(write(tmp_path / "shop.csv", prices), params).counts["read_as"]["shop.csv"]["currency"] == "GBP"


def test_a_column_of_currencies_has_one(params: Params, tmp_path: Path) -> None:
    plain = [f"{price:.2f}" for price in SHOP["unit_price"]]
    path = write(tmp_path / "shop.csv", plain, Currency=pl.lit("PLN"))
    assert read(path, params).counts["read_as"]["shop.csv"]["currency"] == "PLN"
    later = pl.when(pl.int_range(pl.len()) < 5).then(pl.lit("EUR")).otherwise(pl.lit("SEK"))
    with pytest.raises(SourceError, match=r"EUR \(first: row 2, 'EUR' in the column 'Currency Code'\) and SEK .*row 7"):
        read(write(path, plain, **{"Currency Code": later}), params)
    with pytest.raises(
        SourceError, match=r"two currencies: EUR \(first: row 2, .*'Currency'\) and GBP \(first: row 2,"
    ):
        read(write(path, [f"£{price}" for price in plain], Currency=pl.lit("EUR")), params)


def test_the_files_of_a_source_have_one_currency(params: Params, tmp_path: Path) -> None:
    source = tmp_path / "exports"
    source.mkdir()
    for name, sign in (("a.csv", "€"), ("b.csv", ""), ("c.csv", "$")):
        write(source / name, [f"{sign}{price:.2f}" for price in SHOP["unit_price"]])
    for attempt in (
        lambda: read(source, params),
        lambda: IncrementalIngest(tmp_path / "shelf", params).make(find_documents(source, tmp_path / "known.json")),
    ):
        with pytest.raises(SourceError, match=r"the source has two currencies: EUR in a.csv and \$ in c.csv"):
            attempt()
