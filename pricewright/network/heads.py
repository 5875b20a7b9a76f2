"""What the network says about a row's units: a negative binomial mean, and one output per other measure.

Every output is a log level at the anchor price, and the curve's effect of the price is added to all of them: so
no output ever rises with the price.
"""

import torch
from torch import Tensor
from torch.nn.functional import softplus

MEAN, SIZE, LOG1P, MEDIAN, LOW, HIGH = range(6)
OUTPUTS = 6
QUANTILES = {MEDIAN: 0.5, LOW: 0.05, HIGH: 0.95}


def log_mean(outputs: Tensor, start: Tensor) -> Tensor:
    """Log expected units; outputs (..., N, 6), start (N,) = base level + log effect of the price."""
    return (start + outputs[..., MEAN]).clamp(-8, 12)


def log1p_units(outputs: Tensor, start: Tensor, head: int) -> Tensor:
    """log(1 + units) that a head predicts, >= 0."""
    return softplus((start + outputs[..., head]).clamp(-12, 12))


def losses(outputs: Tensor, start: Tensor, units: Tensor) -> Tensor:
    """Negative log likelihood, squared error of the log and three pinball losses, stacked: (5, ..., N)."""
    eta, log_size = log_mean(outputs, start), outputs[..., SIZE].clamp(-4, 4)
    size = torch.exp(log_size)
    total = torch.logaddexp(log_size, eta)
    likelihood = torch.lgamma(units + size) - torch.lgamma(size) - torch.lgamma(units + 1)
    likelihood = likelihood + size * (log_size - total) + units * (eta - total)
    target = torch.log1p(units)
    parts = [-likelihood, (target - log1p_units(outputs, start, LOG1P)) ** 2]
    for head, level in QUANTILES.items():
        error = target - log1p_units(outputs, start, head)
        parts.append(torch.maximum(level * error, (level - 1) * error))
    return torch.stack(parts)
