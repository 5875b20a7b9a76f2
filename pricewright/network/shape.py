"""The shape of a demand curve: log units fall by slope x g(log price ratio; curvature), slope > 0.

g is the Box-Cox family: curvature 0 is constant elasticity, 1 an exponential curve, above it demand that
breaks down ever faster (linear and logit curves). It rises with the price whatever the curvature is. Curvatures are
softplus of a latent one, so never negative: demand is the more elastic the dearer a thing is (Marshall's second law),
and a curve that was seen at usual prices does not explode at low ones.
"""

import torch
from torch import Tensor
from torch.nn.functional import softplus

from pricewright.network.noise import NODES, WEIGHTS

FLATTEST = 0.05  # curvature per log price: a curve flatter than that is computed with it
NEWTON_STEPS = 8
SERIES = 1e-3  # below this |curvature x log ratio| the series is more exact than the quotient


def box_cox(x: Tensor, curvature: Tensor) -> tuple[Tensor, Tensor]:
    """g(x; c) = (exp(c x) - 1) / c and its derivative by c; x = log(price / anchor); the shapes broadcast."""
    cx = curvature * x
    near = cx.abs() < SERIES
    safe = torch.where(near, torch.ones_like(cx), cx)
    value = torch.where(near, x * (1 + cx / 2 + cx**2 / 6), x * torch.expm1(safe) / safe)
    slope = torch.where(near, x**2 * (0.5 + cx / 3), x**2 * ((safe - 1) * torch.exp(safe) + 1) / safe**2)
    return value, slope


def expected_softplus(mean: Tensor, variance: Tensor) -> tuple[Tensor, Tensor]:
    """softplus(x) and its derivative, expected under x ~ N(mean, variance); five Gauss-Hermite nodes.

    What is not known well is larger on average than at its mean: a slope that is fitted at its latent mean, and drawn
    around it afterwards, would promise too much of every cut.
    """
    sd = variance.clamp(min=1e-10).sqrt()
    value, derivative = torch.zeros_like(mean), torch.zeros_like(mean)
    for node, weight in zip(NODES, WEIGHTS, strict=True):
        value += float(weight) * softplus(mean + float(node) * sd)
        derivative += float(weight) * torch.sigmoid(mean + float(node) * sd)
    return value, derivative


def with_same_softplus(mean: Tensor, variance: Tensor, wider: Tensor) -> Tensor:
    """The mean with which softplus is expected the same under N(., wider) as under N(mean, variance)."""
    wanted, _ = expected_softplus(mean, variance)
    found = mean.clone()
    for _ in range(NEWTON_STEPS):
        value, derivative = expected_softplus(found, wider)
        found = found - ((value - wanted) / derivative.clamp(min=1e-6)).clamp(-2.0, 2.0)
    return found


def log_effect(x: Tensor, latent_slope: Tensor, latent_curvature: Tensor) -> Tensor:
    """Log units at the price minus log units at the anchor: -softplus(slope) x g(x; softplus(curvature))."""
    return -softplus(latent_slope) * box_cox(x, softplus(latent_curvature).clamp(min=FLATTEST))[0]
