"""Rows that sell no product are quarantined, each with the first reason that holds."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pytest

from pricewright.ingest import Ingested, clean
from pricewright.ingest.tables import Table

Cleaned = Callable[..., Ingested]
Line = Callable[..., dict[str, Any]]
START = datetime(2011, 1, 3, 9, 30)
REASONS = {
    "not a product": {"stock_code": "POST"},
    "quantity is zero": {"quantity": 0},
    "quantity not plausible": {"quantity": 2_000_000},
    "stock adjustment": {"quantity": -4, "unit_price": 0.0, "customer_id": None},
    "price not above zero": {"unit_price": 0.0},
    "price not plausible": {"unit_price": 1e6},
    "cancellation without sale": {"quantity": -1, "stock_code": "22111"},
    "date far from all others": {"invoice_time": datetime(2099, 1, 1)},
}


@pytest.mark.parametrize("reason", REASONS)
def test_a_row_that_sells_no_product_says_why(reason: str, line: Line, cleaned: Cleaned) -> None:
    found = cleaned([line(), line(invoice="2"), line(invoice="3", **REASONS[reason])], not_products=["POST"])
    assert found.accepted.height == 2
    assert found.quarantined["reason"].to_list() == [reason]


@pytest.mark.parametrize("money", [0.01, 1, 1_000, 40_000])
def test_a_price_is_held_against_those_of_its_file_in_any_currency(money: float, line: Line, cleaned: Cleaned) -> None:
    prices = [1.5, 2.55, 8.0, 40.0, 950.0, 8.0 * 20_000]
    found = cleaned([line(invoice=f"{i}", unit_price=price * money) for i, price in enumerate(prices)])
    assert found.counts["reasons"] == {"price not plausible": 1}
    assert found.quarantined["row"].to_list() == [6]


@pytest.mark.parametrize("unit", [1, 12, 500])
def test_a_quantity_is_held_against_those_of_its_file(unit: int, line: Line, cleaned: Cleaned) -> None:
    quantities = [1, 2, 3, 70_000, 900_000]
    found = cleaned([line(invoice=f"{i}", quantity=quantity * unit) for i, quantity in enumerate(quantities)])
    assert found.counts["reasons"] == {"quantity not plausible": 1}


def test_a_second_file_does_not_change_what_is_plausible_in_the_first(line: Line, params: dict[str, Any]) -> None:
    cheap = [line(invoice=f"{i}", unit_price=0.5) for i in range(5)] + [line(invoice="6", unit_price=9_000.0)]
    dear = [line(invoice=f"{10 + i}", unit_price=9_000.0) for i in range(50)]
    tables = [Table(name, pl.DataFrame(lines)) for name, lines in (("a", cheap), ("b", dear))]
    assert clean(tables, params).counts["reasons"] == {"price not plausible": 1}


SERVICES = ["POST", "DOT", "M", "m ", "D", "S", "B", "C2", "BANK CHARGES", "AMAZONFEE", "CRUK", "PADS", "gift_0001_20",
            "GIFT", "ADJUST", "ADJUST2", "TEST001"]  # fmt: skip
PRODUCTS = ["85123A", "22423", "15056BL", "DCGS0003", "SP1002", "MUG-001", "POSTER", "4006381333931"]


@pytest.mark.parametrize("code", SERVICES)
def test_services_of_the_gift_shop_are_no_products(
    code: str, line: Line, cleaned: Cleaned, uci: dict[str, Any]
) -> None:
    counts = cleaned([line(), line(stock_code=code)], **uci).counts
    assert counts["reasons"] == {"not a product": 1}
    assert counts["no_products"] == {code.strip().upper(): 1}


@pytest.mark.parametrize("code", PRODUCTS)
def test_products_of_any_retailer_are_products(code: str, line: Line, cleaned: Cleaned, uci: dict[str, Any]) -> None:
    assert cleaned([line(stock_code=code)], **uci).accepted["stock_code"].to_list() == [code]


def test_a_retailer_can_say_what_its_codes_look_like(line: Line, cleaned: Cleaned) -> None:
    lines = [line(stock_code=code) for code in ("85123a", "DCGS0003")]
    found = cleaned(lines, product_code=r"\d{5}[A-Z]*", not_products=[])
    assert found.accepted["stock_code"].to_list() == ["85123a"]


def test_one_code_in_two_cases_is_one_sku(line: Line, cleaned: Cleaned) -> None:
    lines = [line(stock_code=code, quantity=n) for n, code in enumerate(("85123A", "85123a", " 85123A "), start=1)]
    assert cleaned(lines).accepted["stock_code"].unique().to_list() == ["85123A"]


def test_copies_are_counted_once_however_the_code_is_written(line: Line, cleaned: Cleaned) -> None:
    lines = [line(), line(stock_code="85123a "), line(quantity=7), line()]
    found = cleaned(lines, equal_rows="copies")
    assert found.counts["duplicates"] == 2
    assert found.accepted["row"].to_list() == [1, 3]


def test_a_period_that_two_files_hold_is_counted_once(line: Line, cleaned: Cleaned) -> None:
    month = [line(invoice=str(i)) for i in range(30)]
    once, twice = cleaned(month), cleaned(month + month[10:])
    assert twice.accepted.equals(once.accepted)
    assert twice.counts["duplicates"] == 20


def test_the_longest_period_is_believed(line: Line, cleaned: Cleaned) -> None:
    days = [datetime(1970, 1, 1), *(START + timedelta(days=300 * i) for i in range(5)), datetime(2050, 1, 1)]
    found = cleaned([line(invoice_time=day) for day in days])
    assert found.accepted["invoice_time"].to_list() == days[1:-1]
    assert found.quarantined["detail"].str.slice(0, 4).to_list() == ["1970", "2050"]


def test_a_row_of_zero_units_is_news_where_it_says_whether_the_product_was_in_stock(
    line: Line, cleaned: Cleaned
) -> None:
    unsold = [line(invoice=f"{i}", quantity=0, in_stock=stock) for i, stock in enumerate(("no", "yes", None))]
    lines = [line(invoice="9", in_stock="yes"), *unsold, line(invoice="C8", quantity=0, in_stock="no")]
    found = cleaned(lines, cancellation_invoice="^C")
    assert found.accepted.select("quantity", "units", "in_stock").rows() == [(6, 6, True), (0, 0, False), (0, 0, True)]
    assert found.counts["reasons"] == {"quantity is zero": 2}
    assert found.counts["units"] == 6


def test_a_shop_says_which_of_its_invoices_take_back(line: Line, cleaned: Cleaned) -> None:
    lines = [line(invoice=f"CH{i}") for i in range(5)]
    assert cleaned(lines).accepted.height == cleaned(lines, cancellation_invoice="").accepted.height == 5
    assert cleaned(lines, cancellation_invoice="^CH").counts["reasons"] == {"cancellation without sale": 5}


def test_quarantined_and_accepted_keep_their_schema_when_empty(line: Line, cleaned: Cleaned) -> None:
    full, none = cleaned([line(), line(stock_code="POST")]), cleaned([line(stock_code="POST")])
    assert none.accepted.schema == full.accepted.schema
    assert cleaned([line()]).quarantined.schema == full.quarantined.schema
    assert full.accepted.schema["cancelled"] == pl.Float64
