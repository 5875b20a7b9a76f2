"""Which items a rule is about, and what is known of them."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from pricewright.rules.file import Selection
from pricewright.rules.items import items_of, read_size, weeks_since_change
from tests.pricewright.rules.small_shop import items, rules

MONDAY = date(2026, 1, 5)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("500 ml", (500.0, "ml")), ("0,5 L", (500.0, "ml")), ("6 x 330ml", (1980.0, "ml")), ("1kg", (1000.0, "g")),
        ("12", (12.0, "")), ("3 rolls", (3.0, "rolls")), ("large", None), ("", None), ("0 ml", None),
    ],
)  # fmt: skip
def test_sizes_are_read_in_units_that_compare(text: str, size: tuple[float, str] | None) -> None:
    assert read_size(text) == (size if size is None else pytest.approx(size[0]), *size[1:]) if size else True
    assert (read_size(text) is None) == (size is None)


def test_a_category_selects_those_below_it_and_case_does_not_matter() -> None:
    known = items(4, category=["Food > Juice", "food", "Foodstuff", ""])
    assert known.chosen(Selection(category=["FOOD"])).tolist() == [0, 1]
    assert known.chosen(Selection(category=["Food > Juice", "foodstuff"])).tolist() == [0, 2]
    assert known.chosen(Selection()).tolist() == [0, 1, 2, 3]


def test_names_that_no_item_has_are_found() -> None:
    known = items(2, brand=["Own", "Sunny"])
    asked = rules(
        {"name": "r", "kind": "order", "where": {"brand": ["Own", "Moon"]}, "under": {"sku": "z"}},
        {"kind": "frozen", "where": {"zone": "North"}},
    )
    assert known.unknown(asked) == [("r", "brand", "Moon"), ("r", "sku", "z"), ("1 frozen", "zone", "North")]


def panel(prices: dict[str, list[float]]) -> pl.DataFrame:
    rows = [
        {"stock_code": code, "week": MONDAY + timedelta(weeks=week), "list_price": price}
        for code, path in prices.items()
        for week, price in enumerate(path)
    ]
    return pl.DataFrame(rows)


def test_weeks_since_the_last_change_count_to_the_coming_week() -> None:
    known = panel({"a": [2, 2, 3, 3], "b": [2, 2, 2, 2], "c": [2, 3, 3, 2]})
    found = weeks_since_change(known, pl.Series(["a", "b", "c"]))
    assert found[[0, 2]].tolist() == [2.0, 1.0] and np.isnan(found[1])


def test_items_have_the_words_of_the_product_file_and_the_zone_of_their_key() -> None:
    catalog = pl.DataFrame(
        {
            "stock_code": ["a@N", "b@S"], "store": ["N", "S"], "category": ["Tea", None], "brand": [None, "Old"],
            "unit_cost": [1.0, None], "competitor_price": [None, 3.0],
        }
    )  # fmt: skip
    products = pl.DataFrame({"stock_code": ["a"], "category": ["Juice"], "brand": ["Own"], "size": ["1 l"]})
    known = items_of(catalog, panel({"a@N": [1.0], "b@S": [2.0]}), products)
    words = {name: values.tolist() for name, values in known.words.items()}
    assert words == {
        "category": ["Juice", ""], "brand": ["Own", "Old"], "sku": ["a", "b"], "zone": ["N", "S"], "size": ["1 l", ""],
    }  # fmt: skip
    assert known.week == MONDAY + timedelta(weeks=1)
    assert known.unit_cost[0] == 1.0 and known.competitor_price[1] == 3.0 and np.isnan(known.unit_cost[1])
