"""A season may warn at most; a broken feed blocks, even when only the newest week is broken."""

import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from pricewright.core.errors import ParameterError
from pricewright.drift import assess_drift
from pricewright.drift.distances import drifted_columns
from pricewright.drift.gate import NEEDED, UNITS, judge_drift, measure
from pricewright.drift.measures import (
    constant_columns,
    judged_columns,
    orders_fall,
    price_jumps,
    price_level,
    price_shift,
)
from pricewright.feature import build_panel
from pricewright.ingest import ingest_frame
from testing.plain_shop import FIRST, plain_shop
from tests.pricewright.drift.conftest import NEWEST, WHOLE, split

Shop = tuple[pl.DataFrame, pl.DataFrame]
Params = dict[str, Any]


def panel_of(lines: pl.DataFrame) -> pl.DataFrame:
    """The panel rows of a shop's raw sales lines, read as a run reads them."""
    return build_panel(ingest_frame(lines, WHOLE["ingest"], source="sales").accepted, WHOLE["feature"]).rows


def unsold(rows: pl.DataFrame, which: pl.Expr) -> pl.DataFrame:
    """The rows, with nothing sold where `which` holds."""
    nothing = {"units": 0.0, "orders": 0, "customers": 0, "sold": False}
    return rows.with_columns(
        pl.when(which).then(pl.lit(value, rows.schema[name])).otherwise(name).alias(name)
        for name, value in nothing.items()
    )


HALF = pl.col("stock_code").cast(pl.Int64) % 2 == 0
BROKEN: dict[str, tuple[Callable[[pl.DataFrame], pl.DataFrame], str]] = {
    "prices in pence": (lambda rows: rows.with_columns(pl.col("price") * 100), "price_level"),
    "dozens for pieces": (lambda rows: rows.with_columns((pl.col("units") / 12).ceil()), "units_per_order"),
    "pieces for dozens": (lambda rows: rows.with_columns(pl.col("units") * 12), "units_per_order"),
    "half of the SKUs unsold": (lambda rows: unsold(rows, HALF), "missing_skus"),
    "half of the SKUs not delivered": (lambda rows: rows.filter(~HALF), "missing_skus"),
    "a feature frozen": (lambda rows: rows.with_columns(registered_share=pl.lit(0.7)), "constant_columns"),
    "a column emptied": (lambda rows: rows.with_columns(customers=pl.lit(None, pl.Int64)), "missing_values"),
    "a column gone": (lambda rows: rows.drop("registered_share"), "missing_values"),
    "other codes": (
        lambda rows: rows.with_columns(stock_code=pl.concat_str(pl.lit("SKU-"), "stock_code")),
        "new_skus",
    ),
}


def test_an_autumn_that_doubles_the_sales_does_not_block(shop: Shop, params: Params) -> None:
    verdict, _ = assess_drift(*shop, params)
    assert verdict.status in {"ok", "warn"}, [str(check) for check in verdict.worst]
    assert {check.name for check in verdict.checks} == set(UNITS) == set(params["thresholds"])


def test_weeks_like_those_before_are_ok(shop_with: Callable[..., Shop], params: Params) -> None:
    verdict, _ = assess_drift(*shop_with(autumn=1.0), params)
    assert verdict.status == "ok", [str(check) for check in verdict.worst]
    assert verdict.hint == ""


@pytest.mark.parametrize("broken", BROKEN)
def test_a_broken_feed_blocks_and_says_where(broken: str, shop: Shop, params: Params) -> None:
    damage, name = BROKEN[broken]
    verdict, _ = assess_drift(shop[0], damage(shop[1]), params)
    assert verdict.status == "block"
    assert name in {check.name for check in verdict.worst}
    assert name in verdict.hint


NEWEST_WEEK_BROKEN = {
    "prices in pence": ("price", pl.col("price") * 100, "price_level"),
    "half of the prices in pence": (
        "price",
        pl.when(HALF).then(pl.col("price") * 100).otherwise("price"),
        "price_jumps",
    ),
    "pieces for dozens": ("units", pl.col("units") * 12, "units_per_order"),
    "half of the SKUs unsold": ("sold", pl.col("sold") & ~HALF, "steady_sellers_missing"),
}


@pytest.mark.parametrize("broken", NEWEST_WEEK_BROKEN)
def test_seven_good_weeks_do_not_hide_a_broken_one(broken: str, shop: Shop, params: Params) -> None:
    column, value, name = NEWEST_WEEK_BROKEN[broken]
    newest = pl.col("week") == shop[1]["week"].max()
    now = shop[1].with_columns(pl.when(newest).then(value).otherwise(column).alias(column))
    assert measure(*shop, params)[name].value < params["thresholds"][name]["warn"]
    assert measure(shop[0], now, params)[name].value >= params["thresholds"][name]["block"]


def test_a_week_in_which_only_slow_sellers_sold_misses_all_steady_ones(shop: Shop, params: Params) -> None:
    steady = shop[0].group_by("stock_code").agg(pl.col("sold").sum()).sort("sold").tail(100)["stock_code"]
    newest = pl.col("week") == shop[1]["week"].max()
    odd = unsold(shop[1], newest & pl.col("stock_code").is_in(steady.implode()))
    assert measure(shop[0], odd, params)["steady_sellers_missing"].value == 1.0


def test_everything_of_the_columns_shifted_blocks(shop: Shop, params: Params) -> None:
    shifted = {name: pl.col(name) * 30 + 7 for name, kind in shop[1].schema.items() if kind.is_numeric()}
    verdict, _ = assess_drift(shop[0], shop[1].with_columns(**shifted), params)
    assert "drifted_columns" in {check.name for check in verdict.worst}


def test_a_currency_one_fifth_dearer_warns(shop: Shop, params: Params) -> None:
    measured = measure(shop[0], shop[1].with_columns(pl.col("price") * 1.2), params)["price_level"].value
    limits = params["thresholds"]["price_level"]
    assert measured == pytest.approx(1.2)
    assert limits["warn"] <= measured < limits["block"]


def test_one_bulk_order_moves_nothing(shop: Shop, params: Params) -> None:
    bulk = pl.when(pl.int_range(pl.len()) == 5).then(70_000.0).otherwise("units")
    assert measure(shop[0], shop[1].with_columns(units=bulk), params) == measure(*shop, params)


def test_a_closed_week_is_silent_and_nothing_else(shop: Shop, params: Params) -> None:
    closed = unsold(shop[1], pl.col("week") == shop[1]["week"].min())
    measured, before = measure(shop[0], closed, params), measure(*shop, params)
    assert measured["silent_weeks"].value == 1
    assert measured["steady_sellers_missing"].value == before["steady_sellers_missing"].value
    dropped = shop[1].filter(pl.col("week") != sorted(set(shop[1]["week"]))[3])
    assert measure(shop[0], dropped, params)["silent_weeks"].value == 1


def test_a_threshold_changes_the_verdict(shop: Shop, params: Params) -> None:
    strict = params | {"thresholds": params["thresholds"] | {"new_skus": {"warn": -2.0, "block": -1.0}}}
    verdict, _ = assess_drift(*shop, strict)
    assert [check.name for check in verdict.worst] == ["new_skus"]
    assert "drift.thresholds.new_skus.block" in verdict.hint


def test_a_missing_threshold_is_an_error(shop: Shop, params: Params) -> None:
    thresholds = {name: limits for name, limits in params["thresholds"].items() if name != "new_skus"}
    with pytest.raises(ParameterError, match=r"drift\.thresholds has no new_skus"):
        assess_drift(*shop, params | {"thresholds": thresholds})


def test_no_weeks_before_is_an_error(shop: Shop, params: Params) -> None:
    with pytest.raises(ParameterError, match="the reference weeks have 0 panel rows"):
        assess_drift(shop[0].head(0), shop[1], params)


def test_the_frames_stay_as_they_were(shop: Shop, params: Params) -> None:
    before = [rows.clone() for rows in shop]
    measure(*shop, params)
    assert all(now.equals(then) for now, then in zip(shop, before, strict=True))


def test_an_age_that_all_skus_have_outgrown_is_not_a_frozen_feature() -> None:
    weeks = pl.Series("week", [date(2011, 1, 3), date(2011, 1, 3), date(2011, 1, 10), date(2011, 1, 10)])
    reference = pl.DataFrame([weeks, pl.Series("age_weeks", [1.0, 9.0, 2.0, 10.0])])
    current = pl.DataFrame([weeks, pl.Series("age_weeks", [13.0, 13.0, 13.0, 13.0])])
    assert constant_columns(reference, current, 0.95) == ["age_weeks"]
    assert constant_columns(reference, current, 0.95, ["age*"]) == []


def test_a_shop_without_a_product_younger_than_a_year_is_not_blocked(stable_range: Shop, params: Params) -> None:
    reference, current = stable_range
    assert reference["week"].n_unique() + current["week"].n_unique() == 78
    assert reference["year_ago_known"].n_unique() == 2 and current["year_ago_known"].unique().to_list() == [1]
    verdict, _ = assess_drift(reference, current, params)
    assert verdict.status in {"ok", "warn"}, [str(check) for check in verdict.worst]


def test_what_grows_with_the_history_is_not_judged(stable_range: Shop, params: Params) -> None:
    columns = judged_columns(stable_range[0], params["not_judged"])
    assert not [name for name in columns if "year_ago" in name or "repeat_customer" in name]
    assert {"log_customers_mean_13", "registered_share_26", "units_momentum_13_52"} <= set(columns)


def test_a_frozen_column_of_a_stable_range_still_blocks_and_is_named(stable_range: Shop, params: Params) -> None:
    frozen = stable_range[1].with_columns(registered_share_26=pl.lit(0.7, pl.Float32))
    verdict, page = assess_drift(stable_range[0], frozen, params)
    (check,) = (check for check in verdict.checks if check.name == "constant_columns")
    assert (check.status, check.detail) == ("block", "registered_share_26")
    assert "registered_share_26" in str(check)
    assert re.search(r"<td>constant_columns</td>.*?<td>registered_share_26</td>", page)


def test_every_check_that_counts_columns_names_them_the_worst_first(shop: Shop, params: Params) -> None:
    late = pl.int_range(pl.len()) % 2 == 0
    broken = shop[1].with_columns(
        registered_share=pl.col("registered_share") * 30 + 7,
        orders=pl.when(late).then("orders"),
        customers=pl.lit(None, pl.Int64),
    )
    verdict, _ = assess_drift(shop[0], broken, params)
    details = {check.name: check.detail for check in verdict.checks}
    assert details["missing_values"] == "customers, orders"
    assert details["drifted_columns"].startswith("registered_share")
    assert details["constant_columns"] == "customers"
    assert not details["price_level"]


def test_columns_of_few_rows_are_not_compared_where_no_earlier_window_tells_chance(
    shop_with: Callable[..., Shop], params: Params
) -> None:
    before, now = shop_with(skus=16, weeks=40, autumn=3.0)
    checks = {check.name: check for check in judge_drift(before, now, params).checks}
    assert checks["drifted_columns"].value == 0.0
    assert checks["drifted_columns"].detail.startswith("128 rows are too few to compare")
    pence = judge_drift(before, now.with_columns(pl.col("price") * 100), params)
    assert "price_level" in {check.name for check in pence.worst} and pence.status == "block"


def test_no_week_of_a_healthy_shop_of_22_products_is_blocked(params: Params) -> None:
    panel = panel_of(plain_shop(22, 78))
    weeks = panel["week"].unique().sort()
    for last in weeks[-24::4]:
        verdict = judge_drift(*split(panel.filter(pl.col("week") <= last)), params)
        assert verdict.status in {"ok", "warn"}, [str(check) for check in verdict.worst]


PLANTED: dict[str, tuple[dict[str, pl.Expr], str]] = {
    "units in dozens": ({"quantity": (pl.col("quantity") / 12).ceil().cast(pl.Int64)}, "units_per_order"),
    "tax put in": ({"unit_price": pl.col("unit_price") * 1.2}, "price_shift"),
    "tax taken out": ({"unit_price": pl.col("unit_price") / 1.19}, "price_shift"),
    "another system of codes": ({"stock_code": pl.lit("9") + pl.col("stock_code")}, "missing_skus"),
}


@pytest.mark.parametrize("fault", PLANTED)
def test_a_fault_in_the_newest_weeks_of_a_small_shop_blocks(fault: str, params: Params) -> None:
    columns, name = PLANTED[fault]
    lines = plain_shop(22, 78)
    newest = pl.col("invoice_time") >= FIRST + timedelta(weeks=78 - NEWEST)
    broken = [pl.when(newest).then(value).otherwise(column).alias(column) for column, value in columns.items()]
    verdict = judge_drift(*split(panel_of(lines.with_columns(broken))), params)
    assert verdict.status == "block"
    assert name in {check.name for check in verdict.worst}


def stores(weeks: int, busy: Callable[[int], float] = lambda week: 1.0, count: int = 2) -> pl.DataFrame:
    """A shop's sales lines with its stores; `busy` is the share of the lines that a week has, 0 to 1."""
    lines = plain_shop(22, weeks).with_row_index("n")
    week = (pl.col("invoice_time") - FIRST).dt.total_days() // 7
    share = week.replace_strict({w: busy(w) for w in range(weeks)}, return_dtype=pl.Float64)
    chance = pl.Series(np.random.default_rng(3).random(lines.height))
    store = (pl.col("n") % count).cast(pl.String)
    return lines.filter(chance < share).with_columns(Store=pl.lit("Store ") + store).drop("n")


def without_store(lines: pl.DataFrame, newest: int) -> pl.DataFrame:
    """The lines less those of a store in the newest weeks."""
    since = lines["invoice_time"].max() - timedelta(weeks=newest)  # type: ignore[operator]
    return lines.filter(~((pl.col("invoice_time") > since) & (pl.col("Store") == "Store 1")))


SEASONS: dict[str, tuple[int, Callable[[int], float]]] = {
    "steady": (78, lambda week: 0.8),
    "a year": (60, lambda week: 0.8),
    "Christmas": (110, lambda week: 1.0 if week % 52 >= 44 else 0.5),
    "January": (109, lambda week: 1.0 if week % 52 >= 44 else 0.5),
    "growth": (104, lambda week: 0.3 + 0.7 * week / 104),
    "summer": (130, lambda week: 0.7 - 0.3 * np.cos(2 * np.pi * week / 52)),
}


@pytest.mark.parametrize("season", SEASONS)
def test_a_store_that_is_missing_blocks_and_a_season_does_not(season: str, params: Params) -> None:
    lines = stores(*SEASONS[season])
    assert judge_drift(*split(panel_of(lines)), params).status != "block"
    verdict = judge_drift(*split(panel_of(without_store(lines, NEWEST))), params)
    assert verdict.status == "block" and "orders_fall" in {check.name for check in verdict.worst}


def test_the_first_quiet_season_of_a_young_shop_warns_and_blocks_when_hardly_an_order_is_left(params: Params) -> None:
    quiet = stores(48, lambda week: 0.5 if week >= 40 else 0.8)
    assert judge_drift(*split(panel_of(quiet)), params).status == "warn"
    empty = stores(48, lambda week: 0.08 if week >= 40 else 0.8)
    assert "orders_fall" in {check.name for check in judge_drift(*split(panel_of(empty)), params).worst}


@pytest.mark.parametrize(("count", "newest"), [(2, 4), (2, 5), (3, 8)])
def test_a_store_that_went_missing_lately_or_is_one_of_three_blocks(count: int, newest: int, params: Params) -> None:
    broken = without_store(stores(78, count=count), newest)
    assert "orders_fall" in {check.name for check in judge_drift(*split(panel_of(broken)), params).worst}


def test_orders_of_a_handful_a_week_fall_by_chance() -> None:
    weeks = [date(2024, 1, 1) + timedelta(weeks=week) for week in range(60)]
    few = pl.DataFrame({"week": weeks, "orders": [3, 2] * 30})
    assert orders_fall(few[:52], few[52:].with_columns(orders=pl.lit(2))) == 1.0
    many = few.with_columns(pl.col("orders") * 100)
    assert orders_fall(many[:52], many[52:].with_columns(orders=pl.lit(100))) == pytest.approx(2.5, rel=0.1)


def test_a_feature_of_another_scale_is_seen_in_a_shop_of_few_products(params: Params) -> None:
    before, now = split(panel_of(plain_shop(16, 78)))
    columns = judged_columns(before, params["not_judged"])
    scaled = now.with_columns(pl.col(name) * 30 + 7 for name in columns if name not in NEEDED)
    assert judge_drift(before, now, params).status != "block"
    assert "drifted_columns" in {check.name for check in judge_drift(before, scaled, params).worst}


def test_a_column_is_judged_by_how_far_it_moved_before(shop_with: Callable[..., Shop], params: Params) -> None:
    before, now = shop_with(skus=16)
    steady = drifted_columns(before, now, ["units"], params).thresholds["units"]
    wild = before.with_columns(units=pl.col("units") * (pl.col("week").dt.week() // 8 + 1))
    assert drifted_columns(wild, now, ["units"], params).thresholds["units"] > steady >= params["column_threshold"]


@pytest.mark.parametrize(("skus", "judged"), [(1, False), (7, False), (30, True)])
def test_dearer_prices_of_a_handful_of_products_are_their_own_affair(skus: int, judged: bool) -> None:
    codes = [str(number) for number in range(skus)]
    usual = pl.DataFrame({"stock_code": codes, "usual_price": [4.0] * skus})
    weeks = pl.DataFrame({"week": [date(2024, 1, 1), date(2024, 1, 8)], "sold": [True, True]})
    dearer = usual.select("stock_code", price=pl.lit(5.0)).join(weeks, how="cross")
    for factor in (price_level, price_shift):
        assert factor(dearer, usual) == pytest.approx(1.25 if judged else 1.0)
    assert price_jumps(dearer.with_columns(price=pl.lit(400.0)), usual) == 1.0, "prices in pence are seen in any shop"
