"""The proof gate tells true promises from exaggerated ones, and these from none."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from pricewright.network.curve_fit import fit_curves
from pricewright.network.curves import Curves
from pricewright.network.grid import grid_of
from pricewright.proof import assess_proof, calibrate, draw_changes, price_changes
from pricewright.worlds.market import simulate
from tests.pricewright.network.small_market import PARAMS, panel_of
from tests.pricewright.proof.known_shop import CAP, FITTED, MONDAYS, PROOF, shop

HELD_OUT = 12


@pytest.fixture(scope="module")
def changes() -> pl.DataFrame:
    """Those of a shop whose curves are known."""
    return price_changes(*shop(0), PROOF, CAP)


def tripled(curves: Curves) -> Curves:
    """Curves that promise three times as much."""
    slope = 3 * np.logaddexp(0.0, curves.mean[:, 0])
    mean = np.column_stack([np.log(np.expm1(slope)), curves.mean[:, 1]])
    return replace(curves, mean=mean, promotion=3 * curves.promotion)


def shuffled(panel: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Each SKU's units of the weeks after the fit in any order."""
    rng = np.random.default_rng(seed)
    table = panel["units"].to_numpy().reshape(-1, len(MONDAYS)).copy()
    table[:, FITTED - 4 :] = rng.permuted(table[:, FITTED - 4 :], axis=1)
    return panel.with_columns(units=pl.Series(table.ravel()))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_what_true_curves_say_comes_true(seed: int) -> None:
    proof, verdict = assess_proof(price_changes(*shop(seed), PROOF, CAP), PROOF)
    assert abs(proof.slope - 1) < 1.96 * proof.slope_sd
    assert proof.slope_sd < 0.25
    assert 0.8 < proof.coverage < 0.98
    assert (proof.trust, proof.kind, verdict.status) == (1.0, "regular", "ok")


def test_what_fitted_curves_say_of_weeks_they_have_not_seen_comes_true() -> None:
    """On average over shops: a single one with 30 noisy changes may be two deviations off."""
    found = []
    for seed in range(1, 7):
        market = simulate({**PARAMS["market"], "skus": 80, "seed": seed})
        panel = panel_of(market)
        known = panel.filter(pl.col("week") < market.weeks[-HELD_OUT])
        curves = fit_curves(grid_of(known, 26), PARAMS["network"]["curves"])
        params = PARAMS["proof"]
        proof, verdict = assess_proof(price_changes(panel, curves, params, CAP), params)
        assert proof.changes >= 20 and verdict.status != "block"
        found.append((proof.slope, proof.slope_sd))
    slope, sd = np.array(found).T
    assert np.average(slope, weights=1 / sd**2) == pytest.approx(1.0, abs=0.35)


def test_exaggerated_effects_shrink_the_promises() -> None:
    panel, curves = shop(0)
    proof, verdict = assess_proof(price_changes(panel, tripled(curves), PROOF, 10.0), PROOF)
    assert proof.trust == pytest.approx(1 / 3, abs=0.12)
    assert verdict.status == "warn"
    assert "calibration_slope" in [check.name for check in verdict.worst]


def test_effects_that_do_not_show_at_all_block_or_leave_next_to_nothing() -> None:
    panel, curves = shop(0)
    found = [assess_proof(price_changes(shuffled(panel, seed), curves, PROOF, CAP), PROOF) for seed in range(3)]
    assert all(proof.trust < 0.35 and verdict.status in ("warn", "block") for proof, verdict in found)


def test_effects_of_the_wrong_sign_block(changes: pl.DataFrame) -> None:
    proof, verdict = assess_proof(changes.with_columns(-pl.col("realised_log_change")), PROOF)
    assert proof.trust == 0.0
    assert verdict.status == "block"
    assert "price_changes.png" in verdict.hint


def test_fewer_than_eight_changes_give_no_verdict_and_say_so(changes: pl.DataFrame) -> None:
    proof, verdict = assess_proof(changes.head(7).with_columns(-pl.col("realised_log_change")), PROOF)
    assert (proof.judged, proof.trust, proof.changes, verdict.status) == (False, 1.0, 7, "ok")
    assert "too few price changes to prove anything" in str(verdict.checks[0])
    assert proof.as_dict()["slope"] is None
    assert assess_proof(changes.clear(), PROOF)[1].status == "ok"


def test_temporary_cuts_count_while_regular_changes_are_few(changes: pl.DataFrame) -> None:
    regular, cuts = (changes.filter(pl.col("kind") == kind) for kind in ("regular", "temporary"))
    few = pl.concat([regular.head(19), cuts])
    assert (calibrate(few, PROOF).kind, calibrate(few, PROOF).changes) == ("all", few.height)
    enough = pl.concat([regular.head(20), cuts])
    assert (calibrate(enough, PROOF).kind, calibrate(enough, PROOF).changes) == ("regular", 20)


def test_a_few_noisy_changes_do_not_swing_the_promises(changes: pl.DataFrame) -> None:
    noisy = changes.head(8).with_columns(realised_log_change=0.0, variance=pl.col("variance") * 20)
    proof = calibrate(noisy, PROOF)
    assert proof.slope == pytest.approx(0.0)
    assert proof.mean > 0.6
    assert proof.trust == 1.0


def test_a_shock_that_changes_of_a_week_share_is_in_the_standard_error(changes: pl.DataFrame) -> None:
    predicted = changes["predicted_log_change"].abs()
    shock = pl.when(pl.col("week").dt.week() % 2 == 0).then(0.6).otherwise(-0.6)
    shaken = changes.with_columns(predicted_log_change=predicted, realised_log_change=predicted + shock)
    assert calibrate(shaken, PROOF).slope_sd > 2 * calibrate(changes, PROOF).slope_sd


def test_the_picture_is_drawn_of_many_changes_and_of_none(changes: pl.DataFrame, tmp_path: Path) -> None:
    for name, some in {"many": changes, "none": changes.clear()}.items():
        draw_changes(some, calibrate(some, PROOF), tmp_path / f"{name}.png")
        assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")
