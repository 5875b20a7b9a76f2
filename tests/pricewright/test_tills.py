"""Files for tills: what is written is what is read back, and what a till cannot use is refused."""

import csv
import io
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricewright.core.errors import ParameterError, ReleaseError
from pricewright.tills import FIELDS, LOCALES, Template, read_template, till_rows, write_till_file

ROOT = Path(__file__).parents[2]
DAY = date(2026, 11, 30)
STORES = {"1": "North", "2": "North", "7": "7"}


def listed(**columns: list[Any]) -> pl.DataFrame:
    """Three prices of two zones; one stays."""
    table: dict[str, list[Any]] = {
        "stock_code": ["0501", "A;B", "0501"], "store": ["North", "North", "7"],
        "description": ["Käse, 1 kg", 'a "b"', "c"],
        "current_price": [1.5, 1299.0, 2.0], "optimal_price": [1.99, 1299.95, 2.0], "tax_rate": [0.2, 0.05, 0.2],
        "price_with_tax": [1.99, 1299.95, 2.0], "price_without_tax": [1.99 / 1.2, 1299.95 / 1.05, 2.0 / 1.2],
        "reason": ["lower", "raise; a rule", "keep"],
    }  # fmt: skip
    return pl.DataFrame(table | columns)


def rows_of(template: Template, prices: pl.DataFrame | None = None) -> pl.DataFrame:
    return till_rows(listed() if prices is None else prices, STORES, DAY, template)


@pytest.mark.parametrize("locale", ["iso", "de_DE", "fr_FR", "en_US", "nl_NL"])
def test_what_is_written_in_a_locale_is_what_a_till_of_that_locale_reads(locale: str) -> None:
    template = Template(locale=locale)
    body, (delimiter, sign, dates) = write_till_file(rows_of(template), template), LOCALES[locale]
    found = list(csv.DictReader(io.StringIO(body.decode("utf-8"), newline=""), delimiter=delimiter))
    rows = rows_of(template).to_dicts()
    assert len(found) == len(rows) == 4, "two stores of North, and nothing of the price that stays"
    for read, row in zip(found, rows, strict=True):
        assert tuple(read) == FIELDS
        assert [read[name] for name in ("store", "stock_code", "description")] == [
            row["store"], row["stock_code"], row["description"],
        ]  # fmt: skip
        assert datetime.strptime(read["effective_date"], dates).date() == DAY
        for name in ("price", "price_with_tax", "price_before"):
            assert float(read[name].replace(sign, ".")) == row[name]
        assert float(read["price_without_tax"].replace(sign, ".")) == pytest.approx(row["price_without_tax"], abs=5e-5)


def test_the_file_says_which_stores_of_a_zone_have_a_price() -> None:
    rows = rows_of(Template(rows="all"))
    assert rows.select("store", "stock_code", "price").rows() == [
        ("1", "0501", 1.99), ("1", "A;B", 1299.95), ("2", "0501", 1.99), ("2", "A;B", 1299.95), ("7", "0501", 2.0),
    ]  # fmt: skip
    alone = listed().with_columns(store=pl.lit(None, pl.String))
    assert till_rows(alone, {}, DAY, Template())["store"].to_list() == [None, None]


def test_a_template_names_and_orders_the_columns_of_the_till() -> None:
    template = read_template(ROOT / "docs" / "tills.example.yaml")
    lines = write_till_file(rows_of(template), template).decode("cp1252").split("\r\n")
    assert lines[0] == "Filiale;Artikelnummer;Gueltig ab;Preis;Preis alt;Grund"
    assert lines[1] == "1;0501;30.11.2026;1,99;1,50;lower"
    assert lines[2] == '1;"A;B";30.11.2026;1299,95;1299,00;"raise; a rule"'


def test_parquet_keeps_the_types() -> None:
    template = Template(format="parquet", columns={"code": "stock_code", "from": "effective_date", "price": "price"})
    table = pl.read_parquet(io.BytesIO(write_till_file(rows_of(template), template)))
    assert table.schema == {"code": pl.String, "from": pl.Date, "price": pl.Float64}
    assert table.row(0) == ("0501", DAY, 1.99)


@given(price=st.integers(1, 10**8), sign=st.sampled_from([".", ","]), decimals=st.integers(2, 4))
def test_no_cent_is_lost(price: int, sign: str, decimals: int) -> None:
    columns = {"code": "stock_code", "price": "price"}
    template = Template(decimals=decimals, decimal_sign=sign, delimiter="|", columns=columns, header=False)
    prices = listed(optimal_price=[price / 100, 5.0, 2.0])
    line = write_till_file(rows_of(template, prices.head(1)), template).decode().split("\r\n")[0]
    moved = abs(price / 100 - 1.5) > 1e-12
    assert line == (f"0501|{price // 100}{sign}{price % 100:02}{'0' * (decimals - 2)}" if moved else "")


def test_a_price_without_its_rate_of_tax_is_refused_unless_nobody_asks_for_it() -> None:
    unknown = {name: [None, 0.05, 0.2] for name in ("tax_rate", "price_with_tax", "price_without_tax")}
    with pytest.raises(ReleaseError, match=r"price_with_tax is not known of 2 of 4 rows \(first: 0501\)") as caught:
        rows_of(Template(), listed(**unknown))
    assert "the field price" in caught.value.hint
    columns = {"code": "stock_code", "price": "price"}
    assert rows_of(Template(columns=columns), listed(**unknown)).height == 4


def test_text_that_the_encoding_lacks_is_refused() -> None:
    template = Template(encoding="iso-8859-1")
    with pytest.raises(ParameterError, match="iso-8859-1 has no '€'"):
        write_till_file(rows_of(template, listed(reason=["€", "", ""])), template)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("format: xml\n", "line 1, format is 'xml': it should be 'csv' or 'parquet'"),
        ("locale: de\n", "line 1, locale is 'de'"),
        ("format: csv\nrow: all\n", "line 2, row: there is no such key; there are format, locale"),
        ("columns:\n  Code: stock_code\n  Preis: cost\n", "line 3, columns.Preis is 'cost': it should be"),
        ("columns:\n  Code: stock_code\n  Code: price\n", "line 3, columns.Code is there twice"),
        ("columns:\n  Code: stock_code\n", "columns need stock_code and one of price"),
        ("delimiter: ','\ndecimal_sign: ','\n", "delimiter and decimal_sign are both ','"),
        ("delimiter: '::'\n", "line 1, delimiter is '::'"),
        ("date_format: '%d.%m.'\n", "date_format '%d.%m.' does not name a day"),
        ("decimals: 2.5\n", "line 1, decimals is '2.5'"),
        ("columns: [price]\n", "line 1, columns is"),
        ("- a\n", "the file"),
        ("a: [", "is not YAML"),
    ],
)
def test_a_template_that_cannot_be_used_is_refused_with_its_line(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "till.yaml"
    path.write_text(text)
    with pytest.raises(ParameterError) as caught:
        read_template(path)
    assert complaint in caught.value.message and caught.value.hint


def test_the_page_lists_every_field_and_key() -> None:
    text = (ROOT / "docs" / "tills.md").read_text()
    assert all(f"`{name}`" in text for name in (*FIELDS, *Template.model_fields, *LOCALES))
