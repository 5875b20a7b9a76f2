"""The negative binomial: what weekly units scatter like around their expectation."""

import numpy as np
import torch
from torch import Tensor

NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(5)
WEIGHTS = WEIGHTS / WEIGHTS.sum()


def expected_derivatives(units: Tensor, eta: Tensor, variance: Tensor, log_size: Tensor) -> tuple[Tensor, Tensor]:
    """Gradient and negative curvature by eta of the log likelihood, expected under eta ~ N(eta, variance).

    Size r: log p = units x eta - (units + r) log(r + exp(eta)) + const. Five Gauss-Hermite nodes; shapes (n, T).
    """
    sd = variance.clamp(min=1e-10).sqrt()
    share = torch.zeros_like(eta)
    bend = torch.zeros_like(eta)
    for node, weight in zip(NODES, WEIGHTS, strict=True):
        p = torch.sigmoid(eta + float(node) * sd - log_size)
        share += float(weight) * p
        bend += float(weight) * p * (1 - p)
    scale = units + torch.exp(log_size)
    return units - scale * share, scale * bend


def size_step(units: Tensor, mean: Tensor, seen: Tensor, log_size: Tensor, centre: float, variance: float) -> Tensor:
    """One damped scoring step on log(size) of every SKU, with the prior N(centre, variance); shape (n, 1)."""
    size = torch.exp(log_size)
    total = torch.log(size + mean)
    gradient = torch.digamma(units + size) - torch.digamma(size) + log_size - total + 1 - (units + size) / (size + mean)
    gradient = (gradient * size * seen).sum(dim=1, keepdim=True)
    information = 0.3 * seen.sum(dim=1, keepdim=True)  # about half of the weeks' worth of a variance's information
    step = (gradient - (log_size - centre) / variance) / (information + 1 / variance)
    return log_size + step.clamp(-0.5, 0.5)
