"""What the usual shop systems export is read without a word: their columns, their orders, their statuses."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pricewright.core.errors import SourceError
from pricewright.ingest import Ingested, ingest
from testing.plain_shop import plain_shop

Params = dict[str, Any]
Row = dict[str, Any]


def shopify(line: Row) -> Row:
    return {"Name": f"#{line['invoice']}", "Email": "a@example.com", "Financial Status": "paid", "Total": 99,
            "Paid at": line["time"], "Created at": f"{line['time']} +0100", "Lineitem quantity": line["quantity"],
            "Lineitem name": line["description"], "Lineitem price": line["unit_price"],
            "Lineitem compare at price": "", "Lineitem sku": line["stock_code"], "Shipping Country": "FR",
            "Cancelled at": "", "Id": 5}  # fmt: skip


def woocommerce(line: Row) -> Row:
    return {"Order Number": line["invoice"], "Order Status": "Completed", "Order Date": line["time"][:16],
            "Customer Note": "", "Order Total Amount": 99, "SKU": line["stock_code"], "Item #": 1,
            "Item Name": line["description"], "Quantity": line["quantity"],
            "Item Cost": line["unit_price"]}  # fmt: skip


def square(line: Row) -> Row:
    day, time = line["time"].split()
    return {"Date": f"{day[5:7]}/{day[8:]}/{day[2:4]}", "Time": time, "Time Zone": "Eastern Time (US & Canada)",
            "Category": "None", "Item": line["description"], "Qty": line["quantity"], "SKU": line["stock_code"],
            "Price": f"${line['unit_price']:.2f}", "Transaction ID": f"T{line['invoice']}",
            "Location": "Main Street"}  # fmt: skip


def lightspeed(line: Row) -> Row:
    return {"Sale Date": line["time"], "Receipt Number": line["invoice"], "System ID": line["stock_code"],
            "Product": line["description"], "Qty": line["quantity"], "Unit Price": line["unit_price"],
            "Outlet": "Main"}  # fmt: skip


def odoo(line: Row) -> Row:
    return {"Order Reference": f"S{line['invoice']}", "Order Date": line["time"], "Status": "Sales Order",
            "Order Lines/Product/Internal Reference": line["stock_code"], "Order Lines/Product": line["description"],
            "Order Lines/Quantity": line["quantity"], "Order Lines/Unit Price": line["unit_price"]}  # fmt: skip


EXPORTS: dict[str, Callable[[Row], Row]] = {
    "Shopify": shopify,
    "WooCommerce": woocommerce,
    "Square": square,
    "Lightspeed": lightspeed,
    "Odoo": odoo,
}
SHOP = plain_shop().with_columns(time=pl.col("invoice_time").dt.strftime("%Y-%m-%d %H:%M:%S"))


def read(rows: list[Row], params: Params, folder: Path, columns: dict[str, str] | None = None) -> Ingested:
    pl.DataFrame(rows, infer_schema_length=None).write_csv(folder / "export.csv")
    return ingest(folder / "export.csv", params, columns)


@pytest.mark.parametrize("system", EXPORTS)
def test_an_export_is_read_without_naming_a_column(system: str, params: Params, tmp_path: Path) -> None:
    found = read([EXPORTS[system](line) for line in SHOP.rows(named=True)], params, tmp_path).accepted
    same = ["stock_code", "description", "quantity", "unit_price"]
    assert found.select(same).equals(SHOP.select(same))
    assert (found["invoice_time"] == SHOP["invoice_time"]).all(), "to the minute"
    assert found["invoice"].str.tail(6).to_list() == SHOP["invoice"].to_list()


def order_of_three(invoice: str, **words: str) -> list[Row]:
    """Lines of the shop as one order, of which only the first line says what holds for all."""
    lines = [shopify(line | {"invoice": invoice}) | words for line in SHOP[100:103].rows(named=True)]
    blank = dict.fromkeys(("Financial Status", "Paid at", "Total", "Shipping Country", "Cancelled at", "Id"), "")
    return [lines[0], *(line | blank for line in lines[1:])]


CHANGED = {
    "cancelled": ({"Cancelled at": "2024-02-01 10:00:00 +0100"}, "order cancelled"),
    "voided": ({"Financial Status": "voided"}, "order cancelled"),
    "refunded": ({"Financial Status": "refunded"}, "order refunded"),
    "refunded in part": ({"Financial Status": "partially_refunded"}, None),
    "paid later": ({"Financial Status": "pending"}, None),
}


@pytest.mark.parametrize(("words", "reason"), CHANGED.values(), ids=CHANGED.keys())
@pytest.mark.parametrize("dated", [True, False])
def test_the_first_line_of_an_order_says_what_became_of_all(
    dated: bool, words: dict[str, str], reason: str | None, params: Params, tmp_path: Path
) -> None:
    order = order_of_three("7", **words)
    if not dated:
        order[1:] = [line | {"Created at": ""} for line in order[1:]]
    rows = [shopify(line) for line in SHOP[:1000].rows(named=True)]
    found = read([*rows, *order], params, tmp_path)
    assert found.accepted.height == (1000 if reason else 1003)
    assert found.counts["reasons"] == ({reason: 3} if reason else {})
    if not reason:
        assert found.accepted.tail(3)["country"].to_list() == ["FR"] * 3
        assert found.accepted.tail(3)["invoice_time"].n_unique() == (3 if dated else 1)


@pytest.mark.parametrize("status", ["Cancelled", "wc-cancelled", "CANCELED", "Failed", "Trash", "Void"])
def test_an_order_that_came_to_nothing_is_no_sale(status: str, params: Params, tmp_path: Path) -> None:
    rows = [woocommerce(line) for line in SHOP[:1000].rows(named=True)]
    rows[500]["Order Status"] = status
    found = read(rows, params, tmp_path)
    assert found.counts["reasons"] == {"order cancelled": 1}
    assert found.quarantined["detail"].to_list() == [status]


def test_lines_without_order_and_date_are_of_the_order_above(params: Params, tmp_path: Path) -> None:
    rows = [odoo(line) for line in SHOP[:1000].rows(named=True)]
    rows[501] |= dict.fromkeys(("Order Reference", "Order Date", "Status"), "")
    found = read(rows, params, tmp_path).accepted
    assert found.height == 1000
    assert found["invoice"][501] == found["invoice"][500]
    assert found["invoice_time"][501] == found["invoice_time"][500]


def test_a_name_is_an_order_only_beside_the_lines_of_one(params: Params, tmp_path: Path) -> None:
    plain = SHOP.select("time", "stock_code", pl.col("description").alias("Name"), "quantity", "unit_price")
    rows = plain.rename({"time": "Date"}).rows(named=True)
    found = read(rows, params, tmp_path)
    assert found.counts["read_as"]["export.csv"]["columns"]["description"] == "Name"
    assert "invoice" not in found.counts["read_as"]["export.csv"]["columns"]


def test_products_without_a_code_are_known_by_their_description(params: Params, tmp_path: Path) -> None:
    rows = SHOP.select(
        order_id="invoice", date="time", item_name="description", price="unit_price", quantity="quantity"
    )
    found = read(rows.rows(named=True), params, tmp_path)
    assert found.accepted.height == SHOP.height and found.counts["skus"] == 22
    assert found.accepted["stock_code"].to_list() == SHOP["description"].to_list()
    assert found.accepted["description"].to_list() == SHOP["description"].to_list()
    assert found.counts["read_as"]["export.csv"]["columns"]["stock_code"] == "item_name"


ASKED = {
    "a description is the code": ({"item_name": "description"}, {"stock_code": "item_name"}),
    "another price": ({"Price": "unit_price", "Unit Price": "old_price"}, {"unit_price": "Price"}),
    "a guess for the date is the invoice": ({"Date": "time", "Timestamp": "invoice"}, {"invoice": "Timestamp"}),
    "a guess for the code is the category": ({"SKU": "description", "Item Code": "stock_code"}, {"category": "SKU"}),
}  # fmt: skip


@pytest.mark.parametrize(("names", "asked"), ASKED.values(), ids=ASKED.keys())
def test_a_column_that_was_asked_for_is_no_guess_for_any_other_word(
    names: dict[str, str], asked: dict[str, str], params: Params, tmp_path: Path
) -> None:
    usual = {"Qty": "quantity", "Order Date": "time", "SKU": "stock_code", "Price": "unit_price"}
    usual = {name: word for name, word in usual.items() if word not in names.values() and name not in names}
    lines = SHOP.with_columns(old_price=pl.col("unit_price") * 2)
    rows = lines.select(pl.col(word).alias(name) for name, word in (usual | names).items()).rows(named=True)
    found = read(rows, params, tmp_path, asked)
    assert found.accepted.height == SHOP.height and found.counts["skus"] == 22
    assert found.accepted["unit_price"].to_list() == SHOP["unit_price"].to_list()
    assert found.accepted["invoice_time"].to_list() == SHOP["invoice_time"].cast(pl.Datetime("us")).to_list()


def test_one_column_asked_for_two_required_words_is_still_an_error(params: Params, tmp_path: Path) -> None:
    rows = SHOP.select("stock_code", "quantity", "unit_price", date="time").rows(named=True)
    with pytest.raises(SourceError, match="'quantity' is taken for quantity and for unit_price"):
        read(rows, params, tmp_path, {"unit_price": "quantity"})
