"""Past price changes against known curves: found, told apart, compared with the SKUs whose prices stood."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from pricewright.proof import price_changes
from pricewright.proof.changes import SCHEMA, ever_moved
from tests.pricewright.proof.known_shop import CAP, FITTED, MONDAYS, PROOF, WEEKS, code, curves_of, panel_of, still_shop

CURVES = curves_of(np.full(12, 2.0))
WEEK = 24  # of the change, four weeks after the fit


def changes_of(panel: pl.DataFrame) -> pl.DataFrame:
    """What the tests look at."""
    return price_changes(panel, CURVES, PROOF, CAP)


def raised(week: int = WEEK) -> pl.DataFrame:
    """The first SKU's price goes up by a quarter, and it sells half."""
    prices, units = still_shop()
    prices[0, week:], units[0, week:] = 12.5, 50.0
    return panel_of(prices, units)


def test_a_change_is_compared_with_what_the_curve_predicted() -> None:
    changes = changes_of(raised())
    assert dict(changes.schema) == SCHEMA
    (row,) = changes.rows(named=True)
    assert (row["stock_code"], row["week"], row["kind"]) == (code(0), MONDAYS[WEEK], "regular")
    assert row["price_before"] == pytest.approx(10.0)
    assert row["price_after"] == pytest.approx(12.5)
    assert row["predicted_log_change"] == pytest.approx(-2 * np.log(1.25), abs=1e-6)
    assert row["realised_log_change"] == pytest.approx(np.log(0.5), abs=0.01)
    assert row["predicted_low"] < row["predicted_log_change"] < row["predicted_high"]


def test_what_happened_to_the_whole_shop_is_taken_off() -> None:
    prices, units = still_shop()
    prices[0, WEEK:], units[0, WEEK:] = 12.5, 50.0
    units[:, WEEK:] *= 3
    changes = changes_of(panel_of(prices, units))
    assert changes["realised_log_change"].item() == pytest.approx(np.log(0.5), abs=0.01)
    assert changes["unchanged_skus"].item() == 11


def test_nothing_is_taken_off_when_fewer_than_five_prices_stood() -> None:
    prices, units = still_shop()
    prices[:8, WEEK:], units[:, WEEK:] = 12.5, 300.0
    changes = changes_of(panel_of(prices, units))
    assert changes.height == 8
    assert changes["realised_log_change"].to_numpy() == pytest.approx(np.log(3), abs=0.01)


def test_a_temporary_cut_is_not_called_regular() -> None:
    prices, units = still_shop()
    prices[0, WEEK : WEEK + 2] = 8.0
    prices[1, WEEK - 2 :] = 8.0
    changes = changes_of(panel_of(prices, units))
    kinds = changes.group_by("stock_code").agg(pl.col("kind")).sort("stock_code")["kind"].to_list()
    assert kinds == [["temporary", "temporary"], ["regular"]]


def test_a_week_out_of_stock_takes_no_part() -> None:
    prices, units = still_shop()
    prices[0, WEEK:], units[0, WEEK:] = 12.5, 50.0
    stocked = np.ones((12, WEEKS))
    stocked[0, [WEEK - 2, WEEK + 1, WEEK + 2]] = 0
    kept = changes_of(panel_of(prices, units, in_stock=stocked))
    units[0, [WEEK - 2, WEEK + 1, WEEK + 2]] = 0
    assert changes_of(panel_of(prices, units, in_stock=stocked)).equals(kept)
    assert kept["realised_log_change"].item() == pytest.approx(np.log(0.5), abs=0.01)
    assert changes_of(panel_of(prices, units))["realised_log_change"].item() != pytest.approx(np.log(0.5), abs=0.01)


def test_a_change_in_a_week_without_a_sale_is_left_out() -> None:
    prices, units = still_shop()
    prices[0, WEEK:], units[0, WEEK] = 12.5, 0
    assert changes_of(panel_of(prices, units)).is_empty()


def test_weeks_with_another_price_take_no_part() -> None:
    prices, units = still_shop()
    prices[0, WEEK - 2 :], units[0, WEEK - 2 :] = 11.0, 80.0
    prices[0, WEEK:], units[0, WEEK:] = 12.5, 50.0
    late = changes_of(panel_of(prices, units)).filter(pl.col("week") == MONDAYS[WEEK])
    assert late["realised_log_change"].item() == pytest.approx(np.log(50 / 80), abs=0.01)


def test_weeks_that_the_curves_have_seen_prove_nothing() -> None:
    assert changes_of(raised(FITTED - 1)).is_empty()
    assert changes_of(raised(FITTED)).height == 1


def test_a_sku_without_a_curve_takes_no_part() -> None:
    panel = raised()
    stranger = panel.filter(pl.col("stock_code") == code(0)).with_columns(stock_code=pl.lit("99999"))
    assert changes_of(pl.concat([panel, stranger])).equals(changes_of(panel))


def test_doubt_about_the_curve_widens_the_interval() -> None:
    own = np.tile(np.diag([0.1, 0.0]), (12, 1, 1))
    unsure = price_changes(raised(), replace(CURVES, own_covariance=own), {**PROOF, "draws": 500}, CAP)
    by_slope = 0.1**0.5 * (1 - np.exp(-2.0)) * np.log(1.25)  # the slope's derivative by the latent one is a logistic
    assert unsure["variance"].item() - changes_of(raised())["variance"].item() == pytest.approx(by_slope**2, rel=0.2)


def test_few_units_leave_a_wider_interval_and_next_to_none_no_change() -> None:
    prices, units = still_shop()
    prices[:3, WEEK:] = 12.5
    units[1], units[2] = 4.0, 1.0
    changes = changes_of(panel_of(prices, units))
    assert changes["stock_code"].to_list() == [code(0), code(1)]
    assert changes["variance"][1] > changes["variance"][0]


def test_a_price_that_creeps_every_week_has_changed_only_where_it_jumps() -> None:
    prices, units = still_shop()
    prices[0] *= np.exp(0.02 * np.where(np.arange(WEEKS) % 2, 1, -1))
    prices[0, WEEK:] *= 1.4
    assert changes_of(panel_of(prices, units))["week"].to_list() == [MONDAYS[WEEK]]


def test_the_prices_that_ever_moved_are_counted() -> None:
    prices, units = still_shop()
    prices[0, 5:], prices[1, 30:], prices[2, 3] = 12.5, 9.0, 10.02
    assert ever_moved(panel_of(prices, units)) == 2


def test_a_shop_whose_prices_rest_has_no_changes() -> None:
    found = changes_of(panel_of(*still_shop()))
    assert found.is_empty()
    assert found.schema["week"] == pl.Date
