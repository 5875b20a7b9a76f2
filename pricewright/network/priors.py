"""What SKUs share, learned from all of them: prior means and variances, and the mean slopes of products in a chain."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from pricewright.network.effects import DTYPE, Layout

SUBSTITUTES, NO_SUBSTITUTES = (1.8, 1.0), (0.9, 0.5)  # mean and deviation of the mean latent slope, before any data
SYSTEMATIC_SD = 0.4  # of the mean latent slope, whatever the number of SKUs: an unseen rival's prices biased it by 0.5
MEANS_ALIKE = 0.7  # prior correlation over shops of the mean slope and the mean effect of a cut
WIDE = 100.0  # variance of slopes that learn nothing from each other


@dataclass(frozen=True)
class VariancePrior:
    """A learned variance: where it starts, and how many effects that start is worth as evidence."""

    start: float
    weight: float


PROMOTION_PRIORS = (  # of depth, display and dip
    VariancePrior(1.0, 5.0),
    VariancePrior(0.05, 5.0),
    VariancePrior(0.05, 10.0),
)
PRODUCT_SPREAD = VariancePrior(0.3, 5.0)  # of products' mean slopes around what the population would have expected


def variance_priors(layout: Layout, params: Mapping[str, Any]) -> list[tuple[slice, VariancePrior]]:
    """The groups of effects that share a variance, each with the prior of that variance."""
    priors = [(group, VariancePrior(0.01, 2.0)) for group in layout.groups]
    priors += [(slice(layout.base, layout.base + 1), VariancePrior(0.6, 5.0))]
    drift = VariancePrior(float(params["slope_drift"]) ** 2, 10.0)
    priors += [(slice(k, k + 1), drift) for k in range(layout.ramps.start, layout.ramps.stop)]
    priors += [(slice(layout.gradual_price, layout.gradual_price + 1), VariancePrior(1.0, 5.0))]
    bend = slice(layout.curvature, layout.curvature + 1)
    priors += [(bend, VariancePrior(float(params["curvature_sd"]) ** 2, 50.0))]
    promotion = range(layout.promotion.start, layout.promotion.stop)
    return priors + [(slice(k, k + 1), prior) for k, prior in zip(promotion, PROMOTION_PRIORS, strict=True)]


def learned_variance(
    deviations: Tensor, posterior: Tensor, count: int, variance: Tensor, spread: VariancePrior
) -> Tensor:
    """Next value of a prior variance from squared deviations and posterior variances, summed over `count` effects."""
    determined = (count - posterior / variance).clamp(min=0)
    target = (deviations + spread.weight * spread.start) / (determined + spread.weight)
    return (variance * target).sqrt().clamp(min=1e-5, max=6.0)  # half way, on the log scale


@dataclass
class PopulationMeans:
    """Prior means of the price effects as a regression: mean of SKU i = design_i @ theta, theta ~ N(start, prior).

    theta, start: (h,); precision: (h, h) of the prior; covariance: (h, h), the posterior of theta given all else;
    systematic: (h,), variance of what all SKUs' evidence may have wrong together, however many there are: prices that
    follow something nobody sees bias it.
    """

    theta: Tensor
    start: Tensor
    precision: Tensor
    covariance: Tensor
    systematic: Tensor

    @classmethod
    def starting(cls, start: Tensor, prior: Tensor, systematic: Tensor) -> "PopulationMeans":
        """Before any data; prior: (h, h) covariance."""
        return cls(start.clone(), start, torch.linalg.inv(prior), prior.clone(), systematic)

    def step(self, gradient: Tensor, curvature: Tensor, damping: float) -> Tensor:
        """Newton step on the evidence, given its summed gradient (h,) and curvature (h, h); returns the change."""
        believed = torch.linalg.inv(torch.eye(len(gradient), dtype=gradient.dtype) + curvature * self.systematic)
        gradient, curvature = believed @ gradient, believed @ curvature
        self.covariance = torch.linalg.inv(curvature + self.precision)
        change = damping * self.covariance @ (gradient - self.precision @ (self.theta - self.start))
        change = change.clamp(-0.3, 0.3)
        self.theta = self.theta + change
        return change


def population_means(layout: Layout, width: int, *, substitutes: bool) -> PopulationMeans:
    """Before any data: exponential curves, and elasticities of about 2 among substitutes (Bijmolt et al. 2005 find
    a mean of 2.6 of brands). Products that share their buyers with no other answer more like categories: 1.2 (those
    of food have 0.3 to 0.8, Andreyeva et al. 2010), not far from the 1 at which sales are highest."""
    start, sd = torch.zeros(width, dtype=DTYPE), torch.full((width,), 0.3, dtype=DTYPE)
    sd[-2:] = 1.5  # of a SKU's log units and log price over its family's
    bend = layout.curvature - layout.base
    start[0], sd[0] = SUBSTITUTES if substitutes else NO_SUBSTITUTES
    sd[1 : layout.path.shape[1]] = 0.1
    sd[bend - 1] = 2.0
    start[bend], sd[bend] = 0.5413, 0.5  # softplus of it is 1, an exponential curve
    start[bend + 1 : bend + 4] = torch.tensor([2.0, 0.2, 0.2], dtype=DTYPE)  # depth, display, dip
    sd[bend + 1 : bend + 4] = torch.tensor([1.5, 0.5, 0.5], dtype=DTYPE)
    prior = torch.diag(sd**2)
    prior[0, bend + 1] = prior[bend + 1, 0] = MEANS_ALIKE * sd[0] * sd[bend + 1]
    systematic = torch.zeros(width, dtype=DTYPE)
    systematic[0] = SYSTEMATIC_SD**2
    return PopulationMeans.starting(start, prior, systematic)


def starting_variances(layout: Layout, params: Mapping[str, Any]) -> Tensor:
    """Prior variances of the effects before any data, (d,)."""
    variance = torch.full((layout.width,), 0.05, dtype=DTYPE)
    variance[0] = 2.0
    variance[layout.base] = 1.0 if params["pooling"] else WIDE
    variance[layout.ramps] = float(params["slope_drift"]) ** 2
    variance[layout.gradual_price] = 1.0
    variance[layout.curvature] = float(params["curvature_sd"]) ** 2
    variance[layout.promotion] = torch.tensor([spread.start for spread in PROMOTION_PRIORS], dtype=DTYPE)
    return variance


class ProductSlopes:
    """The product means of the latent slope, u ~ N(0, variance), beside those of the population.

    product: (n,) the number of each item's product; of a product with one item nothing is told apart, its mean stays 0.
    mean, posterior: (p,), the latter the variance of what is known of it.
    """

    def __init__(self, product: Tensor) -> None:
        self.product = product
        self.several = torch.bincount(product) > 1
        count = len(self.several)
        self.mean, self.change = (torch.zeros(count, dtype=DTYPE) for _ in range(2))
        self.variance = torch.tensor(PRODUCT_SPREAD.start, dtype=DTYPE)
        self.posterior = self.variance * self.several
        self._gradient, self._curvature = (torch.zeros(count, dtype=DTYPE) for _ in range(2))

    def add(self, rows: slice, gradient: Tensor, curvature: Tensor) -> None:
        """Add the evidence of some items about the mean of their slope, (m,) each."""
        self._gradient.index_add_(0, self.product[rows], gradient)
        self._curvature.index_add_(0, self.product[rows], curvature)

    def learn(self, damping: float) -> None:
        """One damped Newton step on the evidence of a sweep, and the variance."""
        precision = self._curvature + 1 / self.variance
        self.change = damping * (self._gradient - self.mean / self.variance) / precision * self.several
        self.change = self.change.clamp(-0.3, 0.3)
        self.mean = self.mean + self.change
        self.posterior = self.several / precision
        if bool(self.several.any()):
            deviations = (self.mean**2).sum()
            count = int(self.several.sum())
            self.variance = learned_variance(deviations, self.posterior.sum(), count, self.variance, PRODUCT_SPREAD)
        self._gradient.zero_()
        self._curvature.zero_()
