"""The panel as a whole: accounts for units, sees nothing of the future, and says the same of the coming week."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import polars as pl
from polars.testing import assert_frame_equal

from demand.feature import FEATURES, build_panel
from demand.feature.week import monday

PAST = ["stock_code", "week", "reference_price", "last_price", *FEATURES]


def test_no_feature_of_a_week_changes_when_that_week_and_later_ones_are_removed(
    lines: pl.DataFrame, params: Mapping[str, Any]
) -> None:
    whole = build_panel(lines, params)
    for back in (1, 5, 20):
        week = whole.coming["week"][0] - timedelta(weeks=back)
        earlier = build_panel(lines.filter(monday(pl.col("invoice_time")) < week), params)
        known = whole.rows.join(earlier.coming, on=["stock_code", "week"], how="semi")
        assert known.height > 20
        again = earlier.coming.join(known, on=["stock_code", "week"], how="semi")
        assert_frame_equal(again.select(PAST), known.select(PAST), check_exact=True)
        before = whole.rows.filter(pl.col("week") < week).join(earlier.rows, on=["stock_code", "week"], how="semi")
        same = earlier.rows.join(before, on=["stock_code", "week"], how="semi")
        assert_frame_equal(same, before, check_exact=True)


def test_every_accepted_unit_is_in_the_panel_or_dropped_for_a_reason(
    lines: pl.DataFrame, params: Mapping[str, Any]
) -> None:
    panel = build_panel(lines, params)
    dropped = panel.counts["units_dropped"]
    assert panel.rows["units"].sum() == panel.counts["units"]
    assert panel.counts["units"] + sum(dropped.values()) == lines["units"].sum()
    assert dropped["week_cut_off"] > 0


def test_all_features_are_finite_singles(lines: pl.DataFrame, params: Mapping[str, Any]) -> None:
    panel = build_panel(lines, params)
    for frame in (panel.rows, panel.coming):
        features = frame.select(FEATURES)
        assert set(features.dtypes) == {pl.Float32}
        assert all(features.select(pl.all().is_finite().all()).row(0))
    assert panel.coming["stock_code"].to_list() == panel.catalog["stock_code"].to_list()
    assert isinstance(panel.coming["week"][0], date)
