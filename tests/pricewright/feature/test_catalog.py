"""One row per SKU on sale: current prices, costs, and segments by the thresholds of params.yaml."""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest

from pricewright.feature import build_panel

FIRST = date(2024, 1, 1)
SKUS = 9


@pytest.fixture(scope="module")
def lines(sold: Callable[..., pl.DataFrame]) -> pl.DataFrame:
    """Nine SKUs over 20 weeks: the k-th costs k and sells k a week; the last one is gone after week 9."""
    cells = [(week, k) for week in range(20) for k in range(1, SKUS + 1) if k < SKUS or week < 10]
    return sold(
        *((f"{FIRST + timedelta(weeks=week)}", f"{k}", k, float(k)) for week, k in cells),
        customer_id=[None if k == 2 and week > 5 else f"{week}" for week, k in cells],
        country=["France" if k == 3 and week % 2 else "United Kingdom" for week, k in cells],
        description=["" if week else f"OLD {k}" for week, k in cells],
        unit_cost=[0.4 if k == 5 and week < 3 else None for week, k in cells],
    ).with_columns(pl.col("description").replace("", None))


@pytest.fixture(scope="module")
def catalog(lines: pl.DataFrame, params: Mapping[str, Any]) -> pl.DataFrame:
    return build_panel(lines, params).catalog


def test_terciles_of_price_and_speed_have_a_third_of_the_skus_each(catalog: pl.DataFrame) -> None:
    assert catalog["price_tier"].to_list() == ["low"] * 3 + ["middle"] * 3 + ["high"] * 3
    assert catalog["speed"].to_list()[:3] == ["slow"] * 3
    assert sorted(catalog["speed"].value_counts()["count"].to_list()) == [3, 3, 3]


def test_segments_say_who_buys_most_of_a_sku(catalog: pl.DataFrame) -> None:
    guests = catalog.filter(pl.col("customer_segment") == "guest")["stock_code"].to_list()
    abroad = catalog.filter(pl.col("country_segment") == "abroad")["stock_code"].to_list()
    assert (guests, abroad) == (["2"], ["3"])


def test_names_and_costs_are_the_last_known_ones(catalog: pl.DataFrame) -> None:
    assert catalog["description"].to_list() == [f"OLD {k}" for k in range(1, SKUS + 1)]
    assert catalog["unit_cost"].to_list() == [0.4 if k == 5 else None for k in range(1, SKUS + 1)]


def test_a_sku_that_has_long_died_is_learnt_from_but_not_on_sale(
    lines: pl.DataFrame, params: Mapping[str, Any]
) -> None:
    short = build_panel(lines, {**params, "catalog_weeks": 8})
    assert "9" not in short.catalog["stock_code"] and "9" not in short.coming["stock_code"]
    assert short.rows.filter(pl.col("stock_code") == "9").height == 20
    assert short.counts["skus_without_price"] == {"no_longer_sold": 1}
    assert "9" in build_panel(lines, {**params, "catalog_weeks": 12}).catalog["stock_code"]


def test_the_observed_range_holds_weeks_that_sold(lines: pl.DataFrame, params: Mapping[str, Any]) -> None:
    dearer = lines.with_columns(
        unit_price=pl.when(pl.col("invoice_time").dt.week().is_in([4, 5])).then(8.0).otherwise("unit_price")
    )
    row = build_panel(dearer, params).catalog.row(0, named=True)
    assert (row["price_min"], row["price_max"], row["current_price"], row["reference_price"]) == (1.0, 8.0, 1.0, 1.0)
