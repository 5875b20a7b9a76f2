"""The accepted list as people read it: sorted by gain, written as their country writes, numbers in a workbook."""

import csv
import io
from typing import Any

import polars as pl
import pytest

from pricewright.core.errors import ParameterError
from tasks.accepted_list import COLUMNS, accepted_csv, accepted_rows, accepted_xlsx, written
from tasks.price_decisions import Decision, Move, Standing


def row(code: str, gain: float, **more: Any) -> dict[str, Any]:
    known = {
        "stock_code": code, "store": None, "description": "=HYPERLINK(1)", "family": "MUGS", "current_price": 4.0,
        "optimal_price": 3.5, "units_now": 1000.0, "expected_units": 1250.25, "current_expected_sales": 4000.0,
        "expected_sales": 4000.0 + gain, "gain": gain, "gain_low": gain / 2, "uplift_probability": 0.81,
        "reason": "sells more",
    }  # fmt: skip
    return known | more


def standing(code: str, verdict: str, price: float | None, *, stands: bool = True) -> Standing:
    move = Move(code, None, 4.0, 3.5, price, 1)
    made = Decision("2011-W48-0a1b2c3d", verdict, "Ada", "2011-12-06T09:30:00.000000Z", "", (move,), "n")  # type: ignore[arg-type]
    return Standing(made, move, stands)


PLAN = [row("A", 100.0), row("B", 375.9), row("C", 50.0), row("D", 1.0), row("E", 2.0)]
STANDING = [
    standing("A", "accept", 3.5), standing("B", "accept", 3.5), standing("C", "set", 3.79),
    standing("D", "reject", None), standing("E", "accept", 3.5, stands=False),
]  # fmt: skip


def test_what_gains_most_comes_first_and_a_price_of_ones_own_promises_nothing() -> None:
    rows = accepted_rows(PLAN, STANDING)
    assert [(it["stock_code"], it["price"]) for it in rows] == [("B", 3.5), ("A", 3.5), ("C", 3.79)]
    assert rows[2]["gain"] is None and rows[2]["expected_units"] is None and rows[2]["current_price"] == 4.0


def read(body: bytes, sign: str) -> list[dict[str, str]]:
    assert body.startswith(b"\xef\xbb\xbf"), "else a spreadsheet takes it for Latin letters"
    return list(csv.DictReader(io.StringIO(body.decode("utf-8-sig"), newline=""), delimiter=sign))


def test_numbers_are_written_as_the_country_does() -> None:
    rows = accepted_rows(PLAN, STANDING)
    british, german = read(accepted_csv(rows, "en-GB", "GBP"), ",")[0], read(accepted_csv(rows, "de-DE", "EUR"), ";")[0]
    assert (british["New price"], british["Sales a week"], british["Change"]) == ("£3.50", "£4,375.90", "-12.5 %")
    assert (british["Units a week"], british["Probability"]) == ("1,250.2 units", "81 %")
    assert (german["New price"], german["Sales a week"]) == ("3,50\xa0€", "4.375,90\xa0€")
    assert (german["Change"], german["Units a week"]) == ("-12,5 %", "1.250,2 units")


def test_no_product_name_reaches_the_list_as_a_formula() -> None:
    (first, *_) = read(accepted_csv(accepted_rows(PLAN, STANDING)), ",")
    assert first["Description"] == "'=HYPERLINK(1)" and first["Sales a week"] == "4,375.90"
    found = pl.read_excel(io.BytesIO(accepted_xlsx(accepted_rows(PLAN, STANDING))))
    assert found["Description"].to_list() == ["=HYPERLINK(1)"] * 3, "a text in a workbook is none"


def test_a_workbook_has_numbers_not_texts() -> None:
    found = pl.read_excel(io.BytesIO(accepted_xlsx(accepted_rows(PLAN, STANDING), "GBP")))
    assert found.columns[4:6] == ["Price now (GBP)", "New price (GBP)"] and len(found.columns) == len(COLUMNS)
    assert found["Gain a week (GBP)"].to_list() == [375.9, 100.0, None]
    assert found["Change"].to_list()[0] == pytest.approx(-0.125)


def test_an_empty_list_is_a_list() -> None:
    assert read(accepted_csv([]), ",") == []
    assert pl.read_excel(io.BytesIO(accepted_xlsx([]))).height == 0


@pytest.mark.parametrize(("form", "locale"), [("pdf", ""), ("csv", "xx-nowhere-at-all"), ("csv", "../etc")])
def test_a_format_or_a_locale_that_nobody_knows_is_refused(form: str, locale: str) -> None:
    with pytest.raises(ParameterError, match=r"format is|locale is"):
        written(accepted_rows(PLAN, STANDING), form, locale)
