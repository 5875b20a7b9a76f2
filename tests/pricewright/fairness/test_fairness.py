"""A shop that treats its segments alike passes; one that treats guests worse, in any way, is stopped."""

from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from pricewright.core.errors import ModelError, ParameterError
from pricewright.fairness import Fairness
from pricewright.fairness.gate import EITHER_WAY, MEASURES

REGISTERED = 1


def blocking(fairness: Fairness) -> set[str]:
    """Names of the checks that block."""
    return {check.name for check in fairness.verdict.checks if check.status == "block"}


def scaled(frame: pl.DataFrame, column: str, factor: float, where: pl.Expr) -> pl.DataFrame:
    """The frame, with a column scaled where the expression holds."""
    return frame.with_columns(pl.when(where).then(pl.col(column) * factor).otherwise(column).alias(column))


def test_segments_that_are_served_alike_pass(fair: Fairness) -> None:
    assert fair.verdict.status == "ok", [str(check) for check in fair.verdict.worst]
    assert fair.verdict.hint == ""


def test_a_larger_error_for_guests_blocks(shop: Any, guests: pl.Expr) -> None:
    fairness = shop.assess(backtest=scaled(shop.backtest, "predicted_median", 4.0, guests))
    assert blocking(fairness) == {"people.wape_ratio"}
    assert "customer_segment guest" in fairness.verdict.hint
    assert "fairness.thresholds.people.wape_ratio.block" in fairness.verdict.hint


@pytest.mark.parametrize("factor", [0.3, 2.0])
def test_predicting_too_much_or_too_little_for_guests_blocks(factor: float, shop: Any, guests: pl.Expr) -> None:
    fairness = shop.assess(backtest=scaled(shop.backtest, "predicted_units", factor, guests))
    assert blocking(fairness) == {"people.bias_gap"}


def test_intervals_that_are_too_narrow_for_guests_block(shop: Any, guests: pl.Expr) -> None:
    narrow = scaled(shop.backtest, "predicted_high", 0.6, guests)
    assert blocking(shop.assess(backtest=narrow)) == {"people.coverage_shortfall"}


def test_intervals_that_are_wider_for_guests_do_not(shop: Any, guests: pl.Expr) -> None:
    assert shop.assess(backtest=scaled(shop.backtest, "predicted_high", 9.0, guests)).verdict.status != "block"


def test_dearer_prices_for_guests_only_block(shop: Any, guests: pl.Expr) -> None:
    moved = pl.col("optimal_price") != pl.col("current_price")
    fairness = shop.assess(price_list=scaled(shop.price_list, "optimal_price", 1.35, guests & moved))
    assert blocking(fairness) == {"people.price_change_gap"}
    guest = fairness.segments.filter(pl.col("segment") == "guest").row(0, named=True)
    assert guest["price_change_gap"] > 0


def test_moving_the_prices_of_guests_only_blocks(shop: Any, guests: pl.Expr) -> None:
    rng = np.random.default_rng(1)
    factor = pl.Series(rng.choice([0.97, 1.03], shop.price_list.height))
    only = shop.price_list.with_columns(
        optimal_price=pl.when(guests).then(pl.col("current_price") * factor).otherwise("current_price")
    )
    assert blocking(shop.assess(price_list=only)) == {"people.moved_gap"}


def test_a_model_that_looks_at_who_buys_only_for_guests_blocks(shop: Any) -> None:
    def model(rows: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.where(rows[:, REGISTERED] < 0.5, np.sin(40 * rows[:, REGISTERED]), 0.8 * (rows[:, 0] - 3.0))

    fairness = shop.assess(models={"network": model})
    assert "people.customer_share_gap" in blocking(fairness)


@pytest.mark.parametrize("column", ["predicted_units", "predicted_median", "units"])
def test_what_is_no_number_blocks(column: str, shop: Any) -> None:
    broken = shop.backtest.with_columns(pl.lit(float("nan")).alias(column))
    assert shop.assess(backtest=broken).verdict.status == "block"


def test_a_segment_without_a_single_sale_blocks(shop: Any, guests: pl.Expr) -> None:
    silent = scaled(shop.backtest, "units", 0.0, guests)
    assert {"people.wape_ratio", "people.bias_gap"} <= blocking(shop.assess(backtest=silent))


def test_a_segment_that_was_never_tested_blocks(shop: Any, guests: pl.Expr) -> None:
    fairness = shop.assess(backtest=shop.backtest.filter(~guests))
    assert "people.wape_ratio" in blocking(fairness)
    assert "customer_segment guest in the fairness report (wape_ratio is missing)" in fairness.verdict.hint


def test_a_sku_without_a_price_blocks(shop: Any) -> None:
    assert "people.price_change_gap" in blocking(shop.assess(price_list=shop.price_list[1:]))


def test_small_segments_are_reported_and_not_judged(shop: Any) -> None:
    few = shop.catalog["stock_code"].head(6)
    trade = pl.col("stock_code").is_in(few.implode())
    catalog = shop.catalog.with_columns(
        customer_segment=pl.when(trade).then(pl.lit("trade")).otherwise("customer_segment")
    )
    fairness = shop.assess(catalog=catalog, backtest=scaled(shop.backtest, "predicted_median", 9.0, trade))
    row = fairness.segments.filter(pl.col("segment") == "trade").row(0, named=True)
    assert (row["skus"], row["judged"]) == (6, False)
    assert row["wape_ratio"] > shop.params["thresholds"]["people"]["wape_ratio"]["block"]
    assert fairness.verdict.status == "ok"


def test_a_shop_too_small_to_judge_is_reported_and_stopped_only_where_the_parameter_says_so(shop: Any) -> None:
    fairness = shop.assess(params=shop.params | {"minimum_skus": 1000})
    assert fairness.verdict.status == "warn"
    assert "fairness.minimum_skus" in fairness.verdict.worst[0].hint
    strict = {"minimum_skus": 1000, "judged_segments": {"warn": 1, "block": 0}}
    verdict = shop.assess(params=shop.params | strict).verdict
    assert verdict.status == "block" and "fairness.minimum_skus" in verdict.hint


def test_every_number_of_the_verdict_is_one_of_the_segments(fair: Fairness) -> None:
    judged = fair.segments.filter("judged")
    for check in fair.verdict.checks[1:]:
        kind, measure = check.name.split(".")
        values = judged.filter(pl.col("kind") == kind)[measure]
        assert check.value == (values.abs().max() if measure in EITHER_WAY else values.max())
    assert {check.name.split(".")[-1] for check in fair.verdict.checks[1:]} == set(MEASURES)


def test_the_numbers_of_a_segment_are_what_they_say(shop: Any, fair: Fairness, guests: pl.Expr) -> None:
    row = fair.segments.filter(pl.col("segment") == "guest").row(0, named=True)
    tested, prices = shop.backtest.filter(guests), shop.price_list.filter(guests)
    units = tested["units"]
    assert row["skus"] == prices.height
    assert row["wape"] == pytest.approx((units - tested["predicted_median"]).abs().sum() / units.sum())
    assert row["bias"] == pytest.approx(tested["predicted_units"].sum() / units.sum())
    inside = (units >= tested["predicted_low"]) & (units <= tested["predicted_high"])
    assert row["coverage"] == pytest.approx(inside.mean())
    change = (prices["optimal_price"] / prices["current_price"]).log()
    assert row["price_change"] == pytest.approx(change.mean())
    assert row["moved_share"] == pytest.approx((change.abs() > 0.001).mean())


def test_the_first_segment_is_all_skus(shop: Any, fair: Fairness) -> None:
    first = fair.segments.row(0, named=True)
    assert (first["segment"], first["skus"], first["judged"]) == ("all", 240, False)
    assert (first["wape_ratio"], first["bias_gap"]) == (pytest.approx(1.0), pytest.approx(0.0))


def test_a_model_without_a_backtest_is_an_error(shop: Any) -> None:
    with pytest.raises(ModelError, match="network has 0 backtest rows"):
        shop.assess(backtest=shop.backtest.with_columns(model=pl.lit("svr")))
    with pytest.raises(ModelError, match="it cannot be judged"):
        shop.assess(models={"svr": shop.models["network"]})


def test_a_missing_threshold_or_dimension_is_an_error(shop: Any) -> None:
    thresholds = shop.params["thresholds"]
    people = {name: limits for name, limits in thresholds["people"].items() if name != "moved_gap"}
    with pytest.raises(ParameterError, match=r"fairness\.thresholds\.people has no moved_gap"):
        shop.assess(params=shop.params | {"thresholds": thresholds | {"people": people}})
    with pytest.raises(ParameterError, match="which the catalog does not have"):
        shop.assess(params=shop.params | {"dimensions": {"colour": "products"}})
