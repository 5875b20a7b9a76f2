"""A chain in the panel: one row per week and item, which is a SKU in a zone, in a store, or in all of the chain."""

from collections.abc import Callable, Mapping
from typing import Any

import polars as pl
import pytest

from pricewright.core.errors import ParameterError
from pricewright.core.item import Item
from pricewright.feature import Panel, build_panel
from pricewright.ingest import ingest_frame
from pricewright.items import Chain, apart, chain_of, item_key, together
from testing.chain_shop import SKUS, WEEKS, chain_shop
from tests.pricewright.feature.conftest import WHOLE

Sold = Callable[..., pl.DataFrame]
MONDAY, TUESDAY, NEXT = "2024-01-01", "2024-01-02", "2024-01-08"
LIMITS = {"floor": [3.0], "ceiling": [9.0]}


@pytest.fixture(scope="module")
def chain_lines() -> pl.DataFrame:
    return ingest_frame(chain_shop(), WHOLE["ingest"]).accepted


def panel_of(lines: pl.DataFrame, params: Mapping[str, Any], level: str = "zone", **beside: pl.DataFrame) -> Panel:
    return build_panel(lines, {**params, "min_selling_weeks": 1}, chain=chain_of(level, lines, **beside))


@pytest.mark.parametrize(("level", "count"), [("zone", 2), ("store", 4), ("chain", 1)])
def test_what_is_priced_is_a_sku_in_a_zone_a_store_or_the_chain(
    level: str, count: int, chain_lines: pl.DataFrame, params: Mapping[str, Any]
) -> None:
    panel = panel_of(chain_lines, params, level)
    assert panel.rows.height == count * SKUS * WEEKS
    assert panel.rows["units"].sum() == chain_lines["units"].sum()
    assert panel.rows["store"].drop_nulls().n_unique() == (count if count > 1 else 0)


def test_receipts_of_two_stores_are_two_orders_whatever_their_numbers(sold: Sold, params: Mapping[str, Any]) -> None:
    two = sold(
        (MONDAY, "A", 1, 2.0), (MONDAY, "A", 1, 2.0), (NEXT, "A", 1, 2.0),
        invoice=["1", "1", "2"], customer_id=[None] * 3, store=["x", "y", "x"], zone=["N"] * 3,
    )  # fmt: skip
    assert panel_of(two, params).rows["orders"].to_list()[0] == 2


def test_a_zone_asks_the_mean_price_of_its_stores_by_units(sold: Sold, params: Mapping[str, Any]) -> None:
    lines = sold(
        (MONDAY, "A", 30, 2.0), (TUESDAY, "A", 10, 3.0), (NEXT, "A", 1, 2.0),
        store=["x", "y", "x"], zone=["N"] * 3, customer_id=[None] * 3,
    )  # fmt: skip
    rows = panel_of(lines, params).rows
    assert rows.row(0, named=True)["price"] == 2.25 and rows["units"].to_list()[0] == 40


def test_a_zone_is_out_of_stock_where_most_of_its_stores_are(sold: Sold, params: Mapping[str, Any]) -> None:
    sales = [(MONDAY, "A", 5, 2.0), (MONDAY, "A", 0, 2.0), (MONDAY, "A", 0, 2.0), (NEXT, "A", 5, 2.0)]
    for out, expected in ((1, True), (2, False)):
        stock = [True, False, out < 2, True]
        lines = sold(*sales, in_stock=stock, store=["x", "y", "z", "x"], zone=["N"] * 4)
        assert panel_of(lines, params).rows["in_stock"].to_list()[0] is expected


def test_the_store_file_goes_before_the_lines_and_a_store_without_zone_is_its_own(
    sold: Sold, params: Mapping[str, Any]
) -> None:
    lines = sold(
        *[(MONDAY, "A", 1, 2.0)] * 3, (NEXT, "A", 1, 2.0), store=["x", "y", "z", "x"], zone=["old", None, "S", "old"]
    )
    stores = pl.DataFrame({"store": ["x", "y"], "zone": ["N", None]})
    assert panel_of(lines, params, stores=stores).catalog["stock_code"].to_list() == ["A@N", "A@S", "A@y"]
    chain = chain_of("zone", lines, stores)
    assert dict(chain.zones(lines.lazy()).iter_rows()) == {"x": "N", "y": "y", "z": "S"}
    beside = chain.unjoined(lines.lazy())
    assert beside["stores"]["not_listed"] == {"count": 1, "first": ["z"]}
    assert beside["stores_without_zone"] == {"count": 1, "first": ["y"]}


def test_the_product_file_names_describes_and_limits(sold: Sold, params: Mapping[str, Any]) -> None:
    lines = sold((MONDAY, "A", 1, 5.0), (MONDAY, "B", 1, 5.0), (NEXT, "A", 1, 5.0), unit_cost=[None, 1.0, None])
    stated = {"description": ["MUG"], "category": ["Cups"], "brand": ["Own"], "unit_cost": [2.0]}
    both = {name: value * 2 for name, value in (stated | LIMITS).items()}
    catalog = panel_of(lines, params, products=pl.DataFrame({"stock_code": ["A", "C"], **both})).catalog
    shown = catalog.select("stock_code", "description", "category", "brand", "unit_cost", "floor", "ceiling", "store")
    assert shown.rows()[0] == ("A", "MUG", "Cups", "Own", 2.0, 3.0, 9.0, None)
    assert shown.rows()[1] == ("B", "MUG B", None, None, 1.0, None, None, None)


def test_a_line_without_a_store_is_an_item_of_no_store(sold: Sold, params: Mapping[str, Any]) -> None:
    lines = sold((MONDAY, "A", 1, 5.0), (MONDAY, "A@", 1, 5.0), (NEXT, "A", 1, 5.0), store=["x", None, None])
    assert panel_of(lines, params).catalog.select("stock_code", "store").rows() == [("A", None), ("A@@", None),
                                                                                     ("A@x", "x")]  # fmt: skip


def test_a_key_is_the_text_of_the_item() -> None:
    named = [("A", None), ("A", "1"), ("A@B", None), ("A@B", "1"), ("a b/c", "Nørd")]
    table = pl.DataFrame(named, schema=["stock_code", "store"], orient="row")
    keys = table.with_columns(stock_code=item_key(pl.col("store")))["stock_code"].to_list()
    assert keys == [str(Item(code, store)) for code, store in named]
    keyed = together(table)
    assert apart(keyed, parted=True).rows() == named


def test_without_stores_a_code_stays_as_it_stands() -> None:
    table = pl.DataFrame({"stock_code": ["A@B", "A@"]})
    assert apart(table, parted=False).rows() == [("A@B", None), ("A@", None)]
    assert together(apart(table, parted=False)).equals(table)


def test_an_unknown_level_is_refused() -> None:
    with pytest.raises(ParameterError, match="must be one of zone, store, chain"):
        Chain("region")
