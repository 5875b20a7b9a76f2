"""What single features say, on a SKU whose sales can be counted by hand."""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from math import log, log1p
from typing import Any

import polars as pl
import pytest

from pricewright.feature import Panel, build_panel

FIRST = date(2023, 1, 2)
UNITS = [4, 0, 6, 0, 0, 1, 9, 2, 3, 3]


@pytest.fixture(scope="module")
def panel(sold: Callable[..., pl.DataFrame], params: Mapping[str, Any]) -> Panel:
    """A is counted by hand, B keeps the shop open, 77001 and 77002 are a family."""
    sales = [(f"{FIRST + timedelta(weeks=w)}", "A", units, 2.0) for w, units in enumerate(UNITS) if units]
    sales += [(f"{FIRST + timedelta(weeks=w)}", "B", 1, 1.0) for w in range(60)]
    sales += [(f"{FIRST + timedelta(weeks=w)}", f"7700{1 + w % 2}", 5, 1.0) for w in range(60)]
    return build_panel(sold(*sales), {**params, "min_selling_weeks": 2})


def of(panel: Panel, code: str, week: int) -> dict[str, Any]:
    """The row of a SKU `week` weeks after the first."""
    frame = pl.concat([panel.rows, panel.coming])
    at = (pl.col("stock_code") == code) & (pl.col("week") == FIRST + timedelta(weeks=week))
    return frame.filter(at).row(0, named=True)


def test_lags_means_and_shares_are_those_of_the_weeks_before(panel: Panel) -> None:
    row = of(panel, "A", 8)
    assert row["log_units_lag_1"] == pytest.approx(log1p(2))
    assert row["log_units_lag_4"] == pytest.approx(0)
    assert row["log_units_mean_8"] == pytest.approx(sum(log1p(u) for u in UNITS[:8]) / 8)
    assert row["log_mean_units_4"] == pytest.approx(log1p((0 + 1 + 9 + 2) / 4))
    assert row["zero_share_4"] == 0.25 and row["zero_share_8"] == 0.375
    assert row["log_units_max_4"] == pytest.approx(log1p(9))
    assert row["weeks_since_sold"] == pytest.approx(log1p(1))
    assert of(panel, "A", 12)["weeks_since_sold"] == pytest.approx(log1p(3))


def test_the_first_week_of_a_sku_has_no_history(panel: Panel) -> None:
    row = of(panel, "A", 0)
    history = [name for name in row if "units_" in name and not name.startswith("family")]
    assert row["units"] == 4
    assert all(row[name] == 0 for name in history if name not in ("units",))


def test_a_family_shares_its_recent_sales(panel: Panel) -> None:
    row = of(panel, "77001", 20)
    assert row["family_log_units_mean_4"] == pytest.approx(log1p(5) / 2, rel=1e-5)
    assert of(panel, "77002", 20)["family_log_units_mean_4"] == row["family_log_units_mean_4"]
    assert of(panel, "B", 20)["family_log_units_mean_4"] == pytest.approx(log1p(1), rel=1e-5)


def test_a_family_counts_members_that_are_not_kept_since_that_is_decided_later(
    sold: Callable[..., pl.DataFrame], params: Mapping[str, Any]
) -> None:
    sales = [(f"{FIRST + timedelta(weeks=w)}", "77001", 5, 1.0) for w in range(4)] + [(f"{FIRST}", "77003", 11, 1.0)]
    panel = build_panel(sold(*sales), {**params, "min_selling_weeks": 2})
    assert panel.rows["stock_code"].unique().to_list() == ["77001"]
    assert of(panel, "77001", 1)["family_log_units_lag_1"] == pytest.approx((log1p(5) + log1p(11)) / 2, rel=1e-5)


def test_a_year_later_the_same_weeks_of_last_year_are_known(panel: Panel) -> None:
    assert of(panel, "A", 51)["year_ago_known"] == 0
    row = of(panel, "A", 53)  # last year's week 1 and its neighbours sold 4, 0 and 6
    assert row["year_ago_known"] == 1
    assert row["year_ago_log_units"] == pytest.approx((log1p(4) + log1p(0) + log1p(6)) / 3)


def test_the_price_level_is_that_of_the_week_before(panel: Panel) -> None:
    assert of(panel, "A", 1)["price_level"] == pytest.approx(log(2))


def test_the_calendar_knows_the_weeks_to_christmas(panel: Panel) -> None:
    to_christmas = [of(panel, "B", week)["christmas_weeks"] for week in (0, 49, 50, 51)]
    assert to_christmas == pytest.approx([16, 2, 1, 0])
    assert of(panel, "B", 60)["christmas_weeks"] == 16
