"""The priors that all SKUs share, learned from all SKUs (empirical Bayes).

Variances follow MacKay's fixed point (1992), which counts how many effects the data really determine, so that
a spread the data say little about neither collapses nor explodes; means take a Newton step on the evidence.
"""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Spread:
    """A learned variance: where it starts, and how many effects that start is worth as evidence."""

    start: float
    weight: float


def learned_variance(deviations: Tensor, posterior: Tensor, count: int, variance: Tensor, spread: Spread) -> Tensor:
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
