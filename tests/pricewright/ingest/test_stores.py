"""The columns of a chain, and the files of its stores and products, as retailers have them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pricewright.core.errors import SourceError
from pricewright.ingest import Ingested
from pricewright.ingest.products import read_products
from pricewright.ingest.stores import read_stores

Cleaned = Callable[..., Ingested]


def written(folder: Path, text: str) -> Path:
    path = folder / "beside.csv"
    path.write_text(text)
    return path


def test_the_columns_of_a_chain_are_kept_by_their_usual_names(shop: pl.DataFrame, cleaned: Cleaned) -> None:
    cells = {"Store No": 12.0, "Price Zone": "North", "Brand": "Own", "VAT Rate": "20%", "Competitor Price": "£1.50"}
    accepted = cleaned(shop.with_columns(**{name: pl.lit(value) for name, value in cells.items()})).accepted
    kept = accepted.select("store", "zone", "brand", "tax_rate", "competitor_price").unique().rows()
    assert kept == [("12", "North", "Own", 0.2, 1.5)]


def test_without_a_column_of_stores_all_of_it_is_null(shop: pl.DataFrame, cleaned: Cleaned) -> None:
    accepted = cleaned(shop).accepted
    assert accepted.select("store", "zone", "brand").null_count().row(0) == 3 * (accepted.height,)


def test_equal_lines_of_two_stores_are_two_sales(shop: pl.DataFrame, cleaned: Cleaned) -> None:
    both = pl.concat([shop.with_columns(Store=pl.lit(store)) for store in ("1", "2")])
    found = cleaned(both, equal_rows="copies")
    assert found.counts["duplicates"] == 0 and found.counts["accepted"] == 2 * shop.height


def test_a_store_that_no_item_can_name_is_quarantined(shop: pl.DataFrame, cleaned: Cleaned) -> None:
    found = cleaned(shop.with_columns(Store=pl.Series(["a@b", *(shop.height - 1) * ["a"]])))
    assert found.quarantined.select("reason", "detail").rows() == [("unusable store", "a@b")]


@pytest.mark.parametrize(("text", "rate"), [("0.2", 0.2), ("20", 0.2), ("20 %", 0.2), ("0", 0.0), ("-5", None)])
def test_a_rate_of_tax_is_a_share_however_it_is_written(
    shop: pl.DataFrame, cleaned: Cleaned, text: str, rate: float | None
) -> None:
    assert cleaned(shop.with_columns(pl.lit(text).alias("Tax Rate"))).accepted["tax_rate"].unique().to_list() == [rate]


@pytest.mark.parametrize(("text", "known"), [("5", True), ("0", False), ("yes", True), ("-3", None)])
def test_stock_is_stated_in_units_as_well(shop: pl.DataFrame, cleaned: Cleaned, text: str, known: bool | None) -> None:
    assert cleaned(shop.with_columns(pl.lit(text).alias("In Stock"))).accepted["in_stock"].unique().to_list() == [known]


def test_the_store_file_says_the_zone_of_each_store(tmp_path: Path, params: dict[str, Any]) -> None:
    path = written(tmp_path, "Store;Zone;Size\n12;North;900\n7;;300\n12;North;900\n")
    assert read_stores(path, params, {}).rows() == [("12", "North"), ("7", None)]


def test_its_columns_can_be_named(tmp_path: Path, params: dict[str, Any]) -> None:
    path = written(tmp_path, "Filiale,Gebiet\n1,Nord\n")
    assert read_stores(path, params, {"store": "Filiale", "zone": "Gebiet"}).rows() == [("1", "Nord")]


def test_the_product_file_says_costs_and_limits(tmp_path: Path, params: dict[str, Any]) -> None:
    path = written(tmp_path, "SKU;Brand;Pack Size;Cost;Floor;Ceiling;VAT Rate\nA1;Own;2 l;1,20;;2,50;20%\nB2;;;;;;\n")
    products = read_products(path, params, {})
    rows = products.select("stock_code", "brand", "size", "unit_cost", "floor", "ceiling", "tax_rate").rows()
    assert rows == [("A1", "Own", "2 l", 1.2, None, 2.5, 0.2), ("B2", *[None] * 6)]


@pytest.mark.parametrize(
    ("read", "text", "message"),
    [
        (read_stores, "Store,Zone\n1,North\n1,South\n", r"store '1' twice: row 2 \(zone North\) and row 3 \(zone Sou"),
        (read_stores, "Name,Zone\nA,North\n", "no column for store"),
        (read_stores, "Store,Zone\n1,N@rth\n", "zone is 'N@rth' in row 2"),
        (read_products, "SKU,Floor\nA,1\nA,2\n", r"stock_code 'A' twice: row 2 \(floor 1\) and row 3 \(floor 2\)"),
        (read_products, "SKU,Cost\nA,1\nB,-1\n", r"unit_cost is '-1' in row 3 .*at least 0"),
        (read_products, "SKU,Cost\nA,1\nB,dear\n", "unit_cost is 'dear' in row 3"),
        (read_products, "SKU,VAT Rate\nA,0.2\nB,200\n", r"tax_rate is '200' in row 3 .*0.2 or 20%"),
        (read_products, "SKU,Floor,Ceiling\nA,3,2\n", "A in row 2 has the floor 3 above its ceiling 2"),
    ],
)
def test_what_cannot_be_is_refused_with_its_row(
    read: Callable[..., pl.DataFrame], text: str, message: str, tmp_path: Path, params: dict[str, Any]
) -> None:
    with pytest.raises(SourceError, match=message):
        read(written(tmp_path, text), params, {})
