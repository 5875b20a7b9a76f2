"""What the zones of a chain share: the slopes of one product in all its zones have a mean of their own."""

import torch
from torch import Tensor

from pricewright.network.effects import DTYPE, VariancePrior, learned_variance

SPREAD = VariancePrior(0.3, 5.0)  # of the products' means around what the population would have expected


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
        self.variance = torch.tensor(SPREAD.start, dtype=DTYPE)
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
            self.variance = learned_variance(deviations, self.posterior.sum(), count, self.variance, SPREAD)
        self._gradient.zero_()
        self._curvature.zero_()
