"""None"""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pricewright.network.effects import box_cox, expected_softplus, log_effect, with_same_softplus
from pricewright.network.priors import PopulationMeans

LOG_RATIOS = st.floats(-1.5, 1.5)


@given(LOG_RATIOS, st.floats(-4, 6))
def test_the_shape_rises_with_the_price_whatever_its_curvature(x: float, curvature: float) -> None:
    low, high = (box_cox(torch.tensor(value).double(), torch.tensor(curvature).double())[0] for value in (x, x + 0.01))
    assert high > low


@given(LOG_RATIOS, st.floats(-3, 3))
def test_the_derivative_by_the_curvature_is_that_of_the_finite_difference(x: float, curvature: float) -> None:
    step = 1e-5
    price, bend = torch.tensor(x).double(), torch.tensor(curvature).double()
    difference = (box_cox(price, bend + step)[0] - box_cox(price, bend - step)[0]) / (2 * step)
    assert abs(float(box_cox(price, bend)[1] - difference)) < 1e-5


def test_curvature_0_is_constant_elasticity_and_1_an_exponential_curve() -> None:
    x = torch.linspace(-0.5, 0.5, 11, dtype=torch.float64)
    assert np.allclose(box_cox(x, torch.zeros(1).double())[0], x)
    assert np.allclose(box_cox(x, torch.ones(1).double())[0], torch.expm1(x))


def test_demand_never_rises_with_the_price() -> None:
    x = torch.linspace(-1, 1, 201, dtype=torch.float64)
    for latent in (-6.0, 0.0, 3.0):
        for curvature in (-3.0, 0.0, 5.0):
            effect = log_effect(x, torch.tensor(latent).double(), torch.tensor(curvature).double())
            assert (effect.diff() < 0).all()
            assert abs(effect[100]) < 1e-9


@given(st.floats(-3, 4), st.floats(0.0, 2.0))
def test_the_expected_slope_is_that_of_many_draws(mean: float, sd: float) -> None:
    normal = np.linspace(-6, 6, 20001)
    weight = np.exp(-(normal**2) / 2)
    drawn = np.logaddexp(0.0, mean + sd * normal)
    value, derivative = expected_softplus(torch.tensor([mean]).double(), torch.tensor([sd**2]).double())
    assert float(value) == pytest.approx(float((weight * drawn).sum() / weight.sum()), rel=0.01, abs=0.005)
    assert 0 < float(derivative) < 1


@given(st.floats(-3, 4), st.floats(0.0, 1.0), st.floats(0.0, 2.0))
def test_a_wider_posterior_promises_no_steeper_slope(mean: float, sd: float, more: float) -> None:
    latent, variance = torch.tensor([mean]).double(), torch.tensor([sd**2]).double()
    wider = variance + more
    moved = with_same_softplus(latent, variance, wider)
    before, after = expected_softplus(latent, variance)[0], expected_softplus(moved, wider)[0]
    assert float(after) == pytest.approx(float(before), rel=1e-6)
    assert float(moved) <= mean + 1e-6


def learned(skus: int, systematic: float) -> PopulationMeans:
    """The mean of effects of which each SKU's weeks say 2.0, with a precision of 1; before any data it is 1.0."""
    start = torch.tensor([1.0]).double()
    means = PopulationMeans.starting(start, torch.tensor([[0.36]]).double(), torch.tensor([systematic]).double())
    for _ in range(50):
        means.step(skus * (2.0 - means.theta), torch.tensor([[float(skus)]]).double(), 1.0)
    return means


def test_more_skus_determine_the_mean_they_share() -> None:
    few, many = learned(10, 0.0), learned(10_000, 0.0)
    assert float(many.covariance) < 0.01 * float(few.covariance)
    assert abs(float(many.theta) - 2.0) < 0.001


def test_what_all_skus_may_have_wrong_together_no_number_of_them_mends() -> None:
    few, many = learned(1_000, 0.09), learned(1_000_000, 0.09)
    assert float(many.covariance) > 0.9 * float(few.covariance) > 0.06
    assert float(many.theta) < 1.85  # the prior keeps its say
