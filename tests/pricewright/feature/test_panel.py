"""The panel as a whole: accounts for units, sees nothing of the future, and says the same of the coming week."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from polars.testing import assert_frame_equal

from pricewright.core.errors import SourceError
from pricewright.feature import FEATURES, Panel, build_panel
from pricewright.feature.sales import monday

KEY = ["stock_code", "week"]
KNOWN_BEFORE = [*KEY, "reference_price", "last_price", *FEATURES]
PARAMETERS: dict[str, Any] = yaml.safe_load((Path(__file__).parents[3] / "params.yaml").read_text())
WEEK = monday(pl.col("invoice_time"))


@pytest.fixture(scope="module")
def panel(lines: pl.DataFrame, params: Mapping[str, Any]) -> Panel:
    return build_panel(lines, params)


def shared(left: pl.DataFrame, right: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows of either frame whose SKU and week are in both, in order."""
    inside = left.join(right, on=KEY, how="semi"), right.join(left, on=KEY, how="semi")
    return inside[0].sort(KEY), inside[1].sort(KEY)


@pytest.mark.parametrize("back", [1, 5, 30])
def test_no_feature_of_a_week_changes_when_that_week_and_later_ones_are_removed(
    lines: pl.DataFrame, params: Mapping[str, Any], panel: Panel, back: int
) -> None:
    week = panel.coming["week"][0] - timedelta(weeks=back)
    earlier = build_panel(lines.filter(week > WEEK), params)
    assert_frame_equal(*shared(earlier.rows, panel.rows.filter(pl.col("week") < week)), check_exact=True)
    coming, came = shared(earlier.coming, panel.rows)
    assert coming.height > 30
    assert_frame_equal(coming.select(KNOWN_BEFORE), came.select(KNOWN_BEFORE), check_exact=True)


def test_no_feature_of_a_week_changes_when_its_own_and_later_sales_are_altered(
    lines: pl.DataFrame, params: Mapping[str, Any], panel: Panel
) -> None:
    week = panel.coming["week"][0] - timedelta(weeks=6)
    later = week <= WEEK
    altered = lines.with_columns(
        *(pl.when(later).then(pl.col(name) * 7).otherwise(pl.col(name)) for name in ("quantity", "cancelled", "units")),
        unit_price=pl.when(later).then(pl.col("unit_price") * 1.5).otherwise("unit_price"),
        customer_id=pl.when(later).then(pl.lit("1")).otherwise("customer_id"),
        country=pl.when(later).then(pl.lit("France")).otherwise("country"),
    )
    then = pl.col("week") <= week
    other = build_panel(altered, params).rows.filter(then)
    assert_frame_equal(other.select(KNOWN_BEFORE), panel.rows.filter(then).select(KNOWN_BEFORE), check_exact=True)
    same_week = pl.col("week") == week
    assert other.filter(same_week)["units"].sum() == 7 * panel.rows.filter(same_week)["units"].sum()


def test_a_named_last_week_gives_the_panel_of_that_week(
    lines: pl.DataFrame, params: Mapping[str, Any], panel: Panel
) -> None:
    week = panel.rows["week"].max()
    named = build_panel(lines, params, last_week=week - timedelta(weeks=3))
    assert named.coming["week"].unique().to_list() == [week - timedelta(weeks=2)]
    coming, came = shared(named.coming, panel.rows)
    assert_frame_equal(coming.select(KNOWN_BEFORE), came.select(KNOWN_BEFORE), check_exact=True)


def test_every_accepted_unit_is_in_the_panel_or_dropped_for_a_reason(
    lines: pl.DataFrame, params: Mapping[str, Any]
) -> None:
    strict = build_panel(lines, {**params, "min_selling_weeks": 60})
    dropped = strict.counts["units_dropped"]
    assert strict.rows["units"].sum() == strict.counts["units"]
    assert strict.counts["units"] + sum(dropped.values()) == lines["units"].sum()
    assert all(units > 0 for units in dropped.values())
    assert strict.counts["skus"] + sum(strict.counts["skus_dropped"].values()) == lines["stock_code"].n_unique()


def test_the_order_of_the_transactions_changes_nothing(
    lines: pl.DataFrame, params: Mapping[str, Any], panel: Panel
) -> None:
    again = build_panel(lines.sample(fraction=1.0, shuffle=True, seed=3), params)
    for name in ("rows", "coming", "catalog"):
        assert_frame_equal(getattr(again, name), getattr(panel, name), check_exact=True)
    assert again.counts == panel.counts


def test_rows_stand_in_order_once_per_sku_and_week_without_a_hole(panel: Panel) -> None:
    keys = panel.rows.select(KEY)
    assert keys.equals(keys.sort(KEY)) and not keys.is_duplicated().any()
    gaps = panel.rows.select(pl.col("week").diff().over("stock_code")).drop_nulls()
    assert gaps.to_series().unique().to_list() == [timedelta(weeks=1)]
    assert panel.rows.group_by("stock_code").agg(pl.col("sold").first())["sold"].all()


def test_all_features_are_finite_singles_and_the_coming_units_are_unknown(panel: Panel) -> None:
    for frame in (panel.rows, panel.coming):
        features = frame.select(FEATURES)
        assert set(features.dtypes) == {pl.Float32}
        assert all(features.select(pl.all().is_finite().all()).row(0))
        assert frame["price"].min() > 0 and frame["reference_price"].min() > 0 and frame["last_price"].min() > 0
    assert panel.coming["units"].null_count() == panel.coming.height
    assert panel.rows.columns == panel.coming.columns


def test_coming_rows_and_catalog_name_the_same_skus_and_prices(panel: Panel) -> None:
    assert panel.coming["stock_code"].to_list() == panel.catalog["stock_code"].to_list()
    for coming, catalog in (("price", "current_price"), ("reference_price", "reference_price")):
        assert panel.coming[coming].to_list() == panel.catalog[catalog].to_list()
    last = panel.rows.group_by("stock_code", maintain_order=True).agg(pl.col("price", "list_price").last())
    last = panel.coming.select("stock_code", "last_price", coming_price="price").join(last, on="stock_code")
    assert last["last_price"].to_list() == last["price"].to_list()
    assert last["coming_price"].to_list() == last["list_price"].to_list()


def test_the_transactions_stay_as_they_were(lines: pl.DataFrame, params: Mapping[str, Any]) -> None:
    before = lines.clone()
    build_panel(lines, params)
    assert_frame_equal(lines, before)


def test_every_group_of_the_fairness_gate_has_a_feature() -> None:
    for patterns in PARAMETERS["fairness"]["groups"].values():
        assert any(fnmatch(feature, pattern) for feature in FEATURES for pattern in patterns), patterns


def test_feature_names_are_unique_and_the_level_that_the_network_departs_from_is_there() -> None:
    assert len(set(FEATURES)) == len(FEATURES)
    assert "log_units_mean_8" in FEATURES


def test_a_shop_whose_skus_all_sold_too_rarely_is_refused(
    sold: Callable[..., pl.DataFrame], params: Mapping[str, Any]
) -> None:
    with pytest.raises(SourceError, match=r"no SKU sold in 10 full weeks or more \(the most: 1\).*hint: "):
        build_panel(sold(("2024-01-07", "20001", 3, 1.0)), params)
    with pytest.raises(SourceError, match="0 accepted transactions"):
        build_panel(sold(), params)
