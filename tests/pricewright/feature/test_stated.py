"""What a shop states beside a sale: the category, the promotion, and that a product was out of stock."""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest

from pricewright.feature import FEATURES, Panel, build_panel
from pricewright.feature.features import KEPT

FIRST = date(2024, 1, 1)
WEEKS = 12
Sold = Callable[..., pl.DataFrame]


def week(number: int, day: int = 0) -> str:
    return str(FIRST + timedelta(weeks=number, days=day))


@pytest.fixture(scope="module")
def lines(sold: Sold) -> pl.DataFrame:
    """A sells 3 and 1 a week, B one; a week later than its first sale A is called a mug, in week 6 a cup."""
    sales = [(week(w, day), code, units, 2.0) for w in range(WEEKS) for day, code, units in ((0, "A", 3), (1, "A", 1))]
    sales += [(week(w), "B", 1, 5.0) for w in range(WEEKS)] + [(week(4), "A", 0, 2.0), (week(0), "C", 0, 2.0)]
    stated = pl.DataFrame(
        [
            {
                "category": {1: "MUGS", 6: "CUPS"}.get((date.fromisoformat(day) - FIRST).days // 7 if c == "A" else -1),
                "promotion": 1.0 if c == "A" and units == 3 and day == week(2) else None,
                "in_stock": False if units == 0 else None,
            }
            for day, c, units, _ in sales
        ],
        schema_overrides={"promotion": pl.Float64, "in_stock": pl.Boolean},
    )
    return sold(*sales, **stated.to_dict(as_series=False), cancelled_in_week=[0] * len(sales))


@pytest.fixture(scope="module")
def panel(lines: pl.DataFrame, params: Mapping[str, Any]) -> Panel:
    return build_panel(lines, params)


def of(panel: Panel, code: str, column: str) -> list[Any]:
    return panel.rows.filter(pl.col("stock_code") == code)[column].to_list()


def test_the_panel_ends_with_them_and_they_are_no_features(panel: Panel) -> None:
    assert KEPT[-4:] == ("category", "promotion", "in_stock", "store") and not set(KEPT) & set(FEATURES)
    schema = panel.rows.select(KEPT[-4:]).schema
    assert dict(schema) == {"category": pl.String, "promotion": pl.Float64, "in_stock": pl.Boolean, "store": pl.String}
    assert panel.coming.schema == panel.rows.schema


def test_the_category_is_the_last_one_known_in_the_week(panel: Panel) -> None:
    assert of(panel, "A", "category") == [None] + ["MUGS"] * 5 + ["CUPS"] * 6
    assert of(panel, "B", "category") == [None] * WEEKS
    assert panel.catalog["category"].to_list() == panel.coming["category"].to_list() == ["CUPS", None]


def test_the_promotion_is_the_share_of_units_that_sold_on_one(panel: Panel) -> None:
    assert of(panel, "A", "promotion") == [0.0, 0.0, 0.75] + [0.0] * 9
    assert of(panel, "B", "promotion") == panel.coming["promotion"].to_list() * 6 == [0.0] * WEEKS


def test_a_row_of_zero_units_that_says_so_is_a_week_without_stock(panel: Panel) -> None:
    assert of(panel, "A", "in_stock") == [w != 4 for w in range(WEEKS)]
    assert panel.coming["in_stock"].all()
    assert "C" not in panel.rows["stock_code"], "it never sold"


def test_a_shop_that_says_none_of_it_has_the_panel_all_the_same(lines: pl.DataFrame, params: Mapping[str, Any]) -> None:
    bare = lines.filter(pl.col("quantity") > 0).drop("category", "promotion", "channel", "in_stock")
    panel = build_panel(bare, params)
    assert panel.rows["in_stock"].all() and panel.rows["promotion"].sum() == 0
    assert panel.rows["category"].null_count() == panel.rows.height
