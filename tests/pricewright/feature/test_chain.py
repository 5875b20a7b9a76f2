"""A chain in the panel: one row per week and item, which is a SKU in a zone, in a store, or in all of the chain."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import polars as pl
import pytest

from pricewright.core.errors import ParameterError
from pricewright.core.item import Item
from pricewright.feature import Panel, build_panel
from pricewright.ingest import ingest_frame
from pricewright.items import NO_PRODUCTS, Chain, apart, chain_of, item_key, together
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


def test_the_rate_of_tax_is_the_last_of_the_lines_else_that_of_the_product_file(
    sold: Sold, params: Mapping[str, Any]
) -> None:
    sales = ((MONDAY, "A", 1, 5.0), (MONDAY, "B", 1, 5.0), (NEXT, "A", 1, 5.0))
    lines = sold(*sales).with_columns(pl.Series("tax_rate", [0.2, None, 0.05]))
    listed = {"stock_code": ["A", "B"], "unit_cost": [None, None], "tax_rate": [0.1, 0.07]}
    blank = {name: [None, None] for name in ("description", "category", "brand", "floor", "ceiling")}
    products = pl.DataFrame(listed | blank, schema_overrides=NO_PRODUCTS.schema)
    assert panel_of(lines, params, products=products).catalog["tax_rate"].to_list() == [0.05, 0.07]
    assert panel_of(sold(*sales), params).catalog["tax_rate"].to_list() == [None, None]


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


def stock_of(*rows: tuple[str, str | None, str, float]) -> pl.DataFrame:
    """A stock file as it is read: code, store, Monday and on which share of the days there was none."""
    listed = pl.DataFrame(rows, schema=["stock_code", "store", "week", "out_share"], orient="row")
    return listed.with_columns(pl.col("week").str.to_date(), pl.col("store").cast(pl.String))


def test_a_stock_file_says_which_weeks_say_nothing_of_demand(sold: Sold, params: Mapping[str, Any]) -> None:
    sales = [(MONDAY, "A", 5, 2.0), (MONDAY, "B", 5, 2.0), (NEXT, "A", 1, 2.0), ("2024-01-15", "A", 5, 2.0)]
    lines = sold(*sales, store=["x", "y", "x", "y"], zone=["N"] * 4)
    stores = [("A", "x", NEXT, 0.9), ("A", "y", NEXT, 0.6), ("A", "x", MONDAY, 1.0), ("A", "y", MONDAY, 0.2)]
    panel = panel_of(lines, params, stock=stock_of(*stores, ("C", "x", NEXT, 1.0)))
    rows = panel.rows.filter(pl.col("stock_code") == "A@N")
    assert rows["in_stock"].to_list() == [True, False, True], "half of the stores is not most of them"
    assert rows["units"].to_list() == [5, 1, 5]
    assert rows["log_units_lag_1"].to_list()[2] == pytest.approx(rows["log_units_lag_1"].to_list()[1]), "as in stock"


def test_the_stock_file_goes_before_the_lines_and_is_silent_where_it_says_nothing(
    sold: Sold, params: Mapping[str, Any]
) -> None:
    sales = [(MONDAY, "A", 5, 2.0), (MONDAY, "B", 5, 2.0), (NEXT, "A", 0, 2.0), (NEXT, "B", 0, 2.0)]
    lines = sold(*sales, in_stock=[None, None, False, False])
    rows = panel_of(lines, params, stock=stock_of(("A", None, NEXT, 0.0))).rows
    assert dict(rows.filter(pl.col("week") == date.fromisoformat(NEXT)).select("stock_code", "in_stock").rows()) == {
        "A": True, "B": False,
    }  # fmt: skip


def test_codes_of_the_stock_file_without_sales_are_counted(sold: Sold, params: Mapping[str, Any]) -> None:
    lines = sold((MONDAY, "A", 1, 2.0), (NEXT, "A", 1, 2.0), store=["x", "x"], zone=["N", "N"])
    chain = chain_of("zone", lines, stock=stock_of(("A", "x", NEXT, 0.0), ("Z", "x", NEXT, 0.0)))
    assert chain.unjoined(lines.lazy())["stock_not_sold"] == {"count": 1, "first": ["Z"]}
