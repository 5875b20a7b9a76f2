"""The spreadsheet's regressions recover what a toy shop was built with."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from bench.regression import Slopes, fit_slopes, shrink


def shop(elasticities: list[float], noise: float, weeks: int = 104) -> pl.DataFrame:
    rng = np.random.default_rng(3)
    first, week = date(2024, 1, 1), np.arange(weeks)
    parts = []
    for i, elasticity in enumerate(elasticities):
        price = 2.0 * np.exp(rng.normal(0, 0.15, weeks))
        season = 0.3 * np.sin(2 * np.pi * week / 52.18) + 0.2 * week / 52.18
        units = np.exp(6 + season + elasticity * np.log(price) + rng.normal(0, noise, weeks)) - 1
        days = [first + timedelta(weeks=int(w)) for w in week]
        parts.append(pl.DataFrame({"stock_code": f"1000{i}", "week": days, "price": price, "units": units}))
    return pl.concat(parts)


def test_the_regression_of_a_sku_recovers_its_elasticity() -> None:
    slopes = fit_slopes(shop([-0.5, -1.5, -3.0], noise=0.01), ["10000", "10001", "10002"])
    assert slopes.elasticity == pytest.approx([-0.5, -1.5, -3.0], abs=0.03)


def test_a_price_that_never_moved_has_no_elasticity() -> None:
    still = shop([-1.0], noise=0.1).with_columns(pl.lit(2.0).alias("price"))
    assert np.isnan(fit_slopes(still, ["10000"]).elasticity).all()


def test_shrinking_moves_every_estimate_towards_the_others_and_the_uncertain_ones_most() -> None:
    shrunk = shrink(Slopes(np.array([-3.0, -1.0, -5.0, np.nan]), np.array([0.3, 0.3, 2.0, np.nan])))
    mean = shrunk[3]
    assert -3.0 < mean < -1.0
    assert -3.0 < shrunk[0] < mean < shrunk[1] < -1.0
    assert abs(shrunk[2] - mean) < 0.5 * abs(-5.0 - mean)


def test_shrunk_estimates_are_nearer_to_the_truth_than_noisy_ones_alone() -> None:
    truth = np.random.default_rng(4).normal(-2, 0.3, 40)
    slopes = fit_slopes(shop(list(truth), noise=1.0), [f"1000{i}" for i in range(40)])
    assert np.abs(shrink(slopes) - truth).mean() < 0.7 * np.abs(slopes.elasticity - truth).mean()
