from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy.stats import norm, spearmanr

from pricewright.core.errors import ModelError
from pricewright.network.curve_fit import fit_curves
from pricewright.network.curves import Curves
from pricewright.network.grid import grid_of
from pricewright.worlds.market import Market, simulate
from tests.pricewright.network.small_market import PARAMS, panel_of

BASE_WEEKS = PARAMS["network"]["anchor_weeks"]


def fitted(market: Market, **changed: Any) -> Curves:
    return fit_curves(grid_of(panel_of(market), BASE_WEEKS), {**PARAMS["network"]["curves"], **changed})


def true_elasticity(market: Market, curves: Curves) -> np.ndarray:
    """At each SKU's base price, by the simulator's own curves."""
    index = {code: i for i, code in enumerate(market.codes)}
    step = np.array([-0.005, 0.005])
    slopes = []
    for code, base_price in zip(curves.codes, curves.base_price, strict=True):
        units = market.expected_units(index[code], base_price * np.exp(step))
        slopes.append(np.diff(np.log(units))[0] / 0.01)
    return np.array(slopes)


def interval(curves: Curves) -> tuple[np.ndarray, np.ndarray]:
    """90 % of the elasticity at the base price: minus softplus of a normal latent slope."""
    z, sd = norm.ppf(0.95), np.sqrt(curves.covariance[:, 0, 0])
    return -np.logaddexp(0, curves.mean[:, 0] + z * sd), -np.logaddexp(0, curves.mean[:, 0] - z * sd)


@pytest.mark.parametrize("regime", ["mixed", "confounded", "thin"])
def test_intervals_hold_the_true_elasticities_at_the_stated_rate(regime: str) -> None:
    hits = []
    for seed in (1, 2):
        market = simulate({**PARAMS["market"], "skus": 150, "seed": seed, "regime": regime})
        curves = fitted(market)
        low, high = interval(curves)
        truth = true_elasticity(market, curves)
        hits.append((low <= truth) & (truth <= high))
    assert 0.80 <= np.concatenate(hits).mean() <= 0.98


def test_elastic_products_are_distinguished_from_inelastic_ones() -> None:
    market = simulate({**PARAMS["market"], "seed": 11})
    curves = fitted(market)
    assert spearmanr(-np.logaddexp(0, curves.mean[:, 0]), true_elasticity(market, curves)).statistic > 0.4


def test_cuts_say_how_a_sku_answers_whose_regular_price_rests() -> None:
    """In this market a cut is a price like any other; hardly anything else moves."""
    found = []
    for seed in (1, 2, 3):
        market = simulate({**PARAMS["market"], "skus": 150, "seed": seed, "regime": "mixed"})
        curves = fitted(market)
        found.append(spearmanr(true_elasticity(market, curves), -curves.slope).statistic)
    assert np.mean(found) > 0.45


def test_draws_of_the_posterior_are_as_steep_as_the_fit_on_average() -> None:
    market = simulate({**PARAMS["market"], "skus": 150, "seed": 1, "regime": "thin"})
    curves = fitted(market)
    normal = np.random.default_rng(0).standard_normal((len(curves.codes), 4000))
    drawn = np.logaddexp(0, curves.mean[:, :1] + np.sqrt(curves.covariance[:, :1, 0]) * normal)
    assert drawn.mean() == pytest.approx(curves.slope.mean(), rel=0.02)


def test_without_the_control_prices_that_follow_demand_look_harmless() -> None:
    market = simulate({**PARAMS["market"], "skus": 150, "seed": 3, "regime": "confounded"})
    with_control, without = fitted(market), fitted(market, control=False)
    truth = true_elasticity(market, with_control)
    error, error_without = (
        abs(np.median(-np.logaddexp(0, curves.mean[:, 0]) - truth)) for curves in (with_control, without)
    )
    assert error_without > 2 * error


def test_a_sku_whose_price_never_moved_borrows_from_the_others(market: Market) -> None:
    frozen = pl.col("stock_code") == market.codes[0]
    price = pl.when(frozen).then(pl.lit(2.5)).otherwise(pl.col("price"))
    curves = fit_curves(grid_of(panel_of(market).with_columns(price=price), BASE_WEEKS), PARAMS["network"]["curves"])
    at = curves.codes.index(market.codes[0])
    others = np.delete(curves.mean[:, 0], at)
    assert abs(curves.mean[at, 0] - others.mean()) < 1.0
    assert curves.covariance[at, 0, 0] > np.delete(curves.covariance[:, 0, 0], at).mean()


def test_the_batch_size_changes_memory_not_the_result(market: Market) -> None:
    whole, parts = fitted(market, batch_skus=1000), fitted(market, batch_skus=17)
    assert np.allclose(whole.mean, parts.mean, atol=1e-3)


def test_a_panel_without_prices_is_refused(panel: pl.DataFrame) -> None:
    with pytest.raises(ModelError, match=r"lowest price is 0\.0"):
        grid_of(panel.with_columns(price=pl.lit(0.0)), BASE_WEEKS)
    with pytest.raises(ModelError, match="0 rows"):
        grid_of(panel.head(0), BASE_WEEKS)
