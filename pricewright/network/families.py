"""Substitutes: how the SKUs of a family take sales from each other, a nested logit (McFadden 1978) in changes.

A SKU's attraction moves with its regular price and its promotions. With shares w of the family's units at anchor
prices and log attractions r (regular price) and a (both), log units of SKU j change by

    a_j - L(a) + promotion x (L(a) - L(r)) + regular x L(r),      L(x) = log sum_k w_k exp(x_k).

The two log-sum coefficients, between 0 and 1, say what share of a common change of attraction becomes a change of the
family's units: 0, everything is taken from the others; 1, nothing is, and the family is no family. They differ, since
a cut of a few weeks brings stockpilers and visitors that a lower regular price does not bring.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

DTYPE = torch.float64
Whole = NDArray[np.int64]
ALONE = 30.0  # latent log-sum coefficient of a family of one: a share of 1 - 1e-13
LEAST = 1e-9  # share of units below which a SKU counts as absent


@dataclass(frozen=True)
class LogSums:
    """What the family does to m SKUs in T weeks: shift (m, T) of log units, beside the SKU's own attraction.

    by_regular, by_both: (m, T), how much the log-sums L(r) and L(a) move with the SKU's own attraction (its shares);
    regular, promotion: (f, T), L(r) and L(a) - L(r) of each family.
    """

    shift: Tensor
    share_regular: Tensor
    share_both: Tensor
    regular: Tensor
    promotion: Tensor


def family_sums(values: Tensor, family: Tensor, count: int) -> Tensor:
    """Sums over the SKUs of each family: (m, ...) to (count, ...)."""
    return torch.zeros((count, *values.shape[1:]), dtype=values.dtype).index_add_(0, family, values)


def log_sums(
    base: Tensor, regular: Tensor, promotion: Tensor, listed: Tensor, family: Tensor, latent: Tensor
) -> LogSums:
    """The family's part of log units; base, regular, promotion: (m, T); latent: (f, 2) log-sum coefficients.

    A SKU out of stock counts as if it were there: how much of a week it was missing, and who noticed, is not known.
    """
    count = len(latent)
    highest = torch.full((count, base.shape[1]), -1e9, dtype=base.dtype)
    highest = highest.scatter_reduce(0, family[:, None].expand_as(base), torch.where(listed > 0, base, -1e9), "amax")
    weight = torch.exp((base - highest[family]).clamp(max=0.0)) * listed
    weight = weight / family_sums(weight, family, count)[family].clamp(min=1e-12)
    terms = [weight * torch.exp(x.clamp(-20, 20)) for x in (regular, regular + promotion)]
    totals = [family_sums(term, family, count).clamp(min=1e-6) for term in terms]
    for_regular, for_both = (torch.log(total) for total in totals)
    coefficients = torch.sigmoid(latent)[family]
    share_regular, share_both = (term / total[family] for term, total in zip(terms, totals, strict=True))
    lifted = for_both - for_regular
    shift = -for_both[family] + coefficients[:, 1:] * lifted[family] + coefficients[:, :1] * for_regular[family]
    return LogSums(shift, share_regular, share_both, for_regular, lifted)


def taken(sums: LogSums, latent: Tensor, family: Tensor) -> tuple[Tensor, Tensor]:
    """How much a SKU's log attraction, of its regular price and of a promotion, takes from the log units of every SKU
    of its family, itself included; (m, T) each."""
    coefficients = torch.sigmoid(latent)[family]
    keeps_regular, keeps_promotion = coefficients[:, :1], coefficients[:, 1:]
    by_promotion = (1 - keeps_promotion) * sums.share_both
    by_regular = by_promotion + (keeps_promotion - keeps_regular) * sums.share_regular
    return by_regular, by_promotion
