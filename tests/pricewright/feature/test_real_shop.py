"""A real gift shop's year (UCI Online Retail, id 352): facts that can be checked by hand."""

from collections.abc import Mapping
from datetime import date, timedelta
from math import log
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from polars.testing import assert_frame_equal

from pricewright.feature import FEATURES, Panel, build_panel
from pricewright.feature.sales import monday
from pricewright.ingest import clean
from pricewright.ingest.source import read_tables

SOURCE = Path(__file__).parents[4] / "shared" / "data" / "online_retail.parquet"
INGEST: dict[str, Any] = yaml.safe_load((Path(__file__).parents[3] / "params.yaml").read_text())["ingest"]
pytestmark = pytest.mark.skipif(not SOURCE.exists(), reason="the UCI file does not lie beside the checkout")


@pytest.fixture(scope="module")
def accepted() -> pl.DataFrame:
    return clean(read_tables(SOURCE), INGEST).accepted


@pytest.fixture(scope="module")
def panel(accepted: pl.DataFrame, params: Mapping[str, Any]) -> Panel:
    return build_panel(accepted, params)


def test_the_week_that_ends_on_a_friday_is_cut_off_and_christmas_is_no_week(panel: Panel) -> None:
    weeks = panel.rows["week"].unique().sort()
    assert weeks[-1] == date(2011, 11, 28)
    assert panel.coming["week"].unique().to_list() == [date(2011, 12, 5)]
    assert date(2010, 12, 27) not in weeks and date(2010, 12, 20) in weeks
    assert (panel.counts["weeks"], panel.counts["closed_weeks"]) == (52, 1)


def test_every_real_unit_is_accounted_for(accepted: pl.DataFrame, panel: Panel) -> None:
    assert panel.counts["units"] + sum(panel.counts["units_dropped"].values()) == accepted["units"].sum()


def test_an_order_of_eighty_thousand_taken_back_minutes_later_leaves_no_trace(panel: Panel) -> None:
    jars = panel.rows.filter(pl.col("stock_code") == "23166")
    assert jars["week"].min() > date(2011, 1, 17)
    assert jars["units"].max() < 10_000


# Guests pay about twice what customers with an account do, for these SKUs in most weeks.
TWO_CHANNELS = {"22411": [1.95, 2.08], "21931": [1.95, 2.08], "85099C": [1.95, 2.08]}


@pytest.mark.parametrize("code", TWO_CHANNELS)
def test_a_list_price_moves_when_the_shop_moves_it_and_not_between_channels(code: str, panel: Panel) -> None:
    listed = panel.rows.filter(pl.col("stock_code") == code)["list_price"]
    assert listed.rle().struct.field("value").to_list() == TWO_CHANNELS[code]
    assert panel.catalog.filter(pl.col("stock_code") == code)["current_price"].to_list() == TWO_CHANNELS[code][-1:]


@pytest.mark.parametrize("code", ["22691", "48173C"])
def test_a_doormat_that_guests_bought_first_has_the_price_of_accounts_once_they_buy_more(
    code: str, panel: Panel
) -> None:
    rows = panel.rows.filter((pl.col("stock_code") == code) & (pl.col("week") >= date(2011, 3, 1)))
    assert rows["list_price"].rle().struct.field("value").to_list() == [7.95, 8.25]


def test_list_prices_of_the_whole_shop_seldom_jump(panel: Panel) -> None:
    """A median over all lines of a week jumped by more than 20 % 16,190 times."""
    jumps = panel.rows.select(pl.col("list_price").log().diff().over("stock_code").abs() > log(1.2)).to_series()
    assert jumps.sum() < 2300


def test_real_history_does_not_change_when_the_last_weeks_are_removed(
    accepted: pl.DataFrame, panel: Panel, params: Mapping[str, Any]
) -> None:
    week = panel.coming["week"][0] - timedelta(weeks=8)
    earlier = build_panel(accepted.filter(monday(pl.col("invoice_time")) < week), params)
    columns = ["stock_code", "week", "reference_price", "last_price", *FEATURES]
    came = panel.rows.join(earlier.coming, on=["stock_code", "week"], how="semi").select(columns)
    coming = earlier.coming.join(came, on=["stock_code", "week"], how="semi").select(columns)
    assert came.height > 2000
    assert_frame_equal(coming, came, check_exact=True)
