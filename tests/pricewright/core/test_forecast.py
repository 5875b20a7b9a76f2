"""The way back from log units to units: a mean is a mean, not the exponential of a mean log."""

import numpy as np
import pytest

from pricewright.core.errors import ModelError
from pricewright.core.forecast import Retransformation, forecast_from_log, learn_retransformation, units_from_log


def skewed(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean log units and units of rows that scatter widely (sd of log units 0.9) around them."""
    rng = np.random.default_rng(seed)
    mean = np.exp(rng.normal(2.5, 1.0, rows))
    draws = rng.poisson(mean * np.exp(rng.normal(-0.4, 0.9, (40, rows)))).astype(float)
    return np.log1p(draws[1:]).mean(axis=0), draws[0]


def test_predicted_means_add_up_to_what_is_sold_and_the_exponential_does_not() -> None:
    learnt = learn_retransformation(*skewed(20_000, seed=1))
    log_units, units = skewed(20_000, seed=2)
    assert 0.95 < forecast_from_log(log_units, learnt).mean.sum() / units.sum() < 1.05
    assert np.expm1(log_units).sum() / units.sum() < 0.8


def test_on_the_weeks_it_was_learnt_on_the_sums_agree_exactly() -> None:
    log_units, units = skewed(2_000, seed=3)
    learnt = learn_retransformation(log_units, units)
    assert units_from_log(log_units, learnt.smear).sum() == pytest.approx(units.sum(), rel=1e-9)


def test_nine_of_ten_new_weeks_lie_in_the_interval_for_slow_and_for_fast_sellers() -> None:
    learnt = learn_retransformation(*skewed(20_000, seed=1))
    log_units, units = skewed(20_000, seed=2)
    forecast = forecast_from_log(log_units, learnt)
    inside = (units >= forecast.low) & (units <= forecast.high)
    fast = log_units > np.quantile(log_units, 0.8)
    assert 0.88 < inside.mean() < 0.95
    assert 0.86 < inside[fast].mean() < 0.94
    assert (units > forecast.median)[fast].mean() == pytest.approx(0.5, abs=0.05)


def test_a_biased_mean_log_is_set_right() -> None:
    log_units, units = skewed(5_000, seed=1)
    learnt = learn_retransformation(log_units - 0.3, units)
    assert forecast_from_log(log_units - 0.3, learnt).log1p.mean() == pytest.approx(np.log1p(units).mean(), abs=0.03)


def test_units_fall_with_log_units_and_never_below_zero() -> None:
    units = units_from_log(np.linspace(-5, 8, 400), 1.7)
    assert (np.diff(units) >= 0).all()
    assert units[0] == 0.0
    assert units_from_log(np.log(3.0), 1.0) == pytest.approx(2.0)


def test_the_quantiles_stand_in_order() -> None:
    learnt = learn_retransformation(*skewed(300, seed=1))
    forecast = forecast_from_log(np.linspace(-1, 9, 200), learnt)
    assert (forecast.low >= 0).all()
    assert (forecast.low <= forecast.median).all()
    assert (forecast.median <= forecast.high).all()


def test_a_release_carries_it_as_plain_arrays() -> None:
    learnt = learn_retransformation(*skewed(500, seed=1))
    arrays = learnt.arrays("svr")
    assert set(arrays) == {"smear_svr", "residuals_svr"}
    assert arrays["smear_svr"].shape == ()
    again = Retransformation.from_arrays(arrays, "svr")
    assert again.smear == learnt.smear
    assert np.array_equal(again.high, learnt.high)


@pytest.mark.parametrize("rows", [4, 8, 16, 49])
def test_few_rows_give_an_interval_that_is_wide_enough(rows: int) -> None:
    inside = []
    for seed in range(400):
        rng = np.random.default_rng(seed)
        log_units = rng.normal(3.0, 0.3, rows + 1)
        units = np.expm1(log_units + rng.normal(0.0, 0.4, rows + 1))
        forecast = forecast_from_log(log_units[-1:], learn_retransformation(log_units[:-1], units[:-1]))
        inside.append(bool(forecast.low[0] <= units[-1] <= forecast.high[0]))
    assert 0.87 < np.mean(inside) < 0.96


@pytest.mark.parametrize("rows", [2, 10, 100])
def test_too_few_rows_or_no_sales_teach_nothing(rows: int) -> None:
    with pytest.raises(ModelError, match=f"{rows} held-out rows with 0 units"):
        learn_retransformation(np.ones(rows), np.zeros(rows))
