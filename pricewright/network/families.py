"""Substitutes: how the SKUs of a family take sales from each other, a nested logit (McFadden 1978) in changes.

A SKU's attraction moves with its regular price and its promotions. With shares w of the family's units at base
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

from pricewright.network.priors import VariancePrior, learned_variance

DTYPE = torch.float64
Whole = NDArray[np.int64]
ALONE = 30.0  # latent log-sum coefficient of a family of one: a share of 1 - 1e-13
LEAST = 1e-9  # share of units below which a SKU counts as absent
# Latent means of the two coefficients before any data: shares of 0.35 and 0.55, that is a family elasticity of -0.7
# where that of an item is -2 (Andreyeva, Long and Brownell 2010 find -0.3 to -0.8 for categories of food).
START, START_SD = (-0.6, 0.2), 0.7
# Share of the evidence about what a family keeps that is believed: a coarsened posterior (Miller and Dunson 2019),
# since no family follows the model to the letter. In the simulated worlds all of it was wrong by two deviations.
COARSE = 0.3
SPREADS = (VariancePrior(0.25, 4.0), VariancePrior(0.25, 4.0))
WEEK_VARIANCE = 0.01  # of log units, of what all SKUs of a family have in common in a week; learned, it would vanish


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


@dataclass(frozen=True)
class Coefficients:
    """Posterior of the latent log-sum coefficients (regular, promotion) of f families.

    mean: (f, 2); own_sd: (f,) of the regular one apart from the others'; shared_sd: (f,) what all families share.
    """

    mean: Tensor
    own_sd: Tensor
    shared_sd: Tensor


class FamilyFit:
    """State of the families during a fit."""

    def __init__(self, family: Tensor, weeks: int) -> None:
        """family: (n,) numbers from 0 on.

        Where some products have substitutes, what a family keeps is learned of families of one as well: nobody of the
        shop takes its buyers, so its own elasticity is like that of a family. Where none has, a product keeps all.
        """
        self.family = family
        self.size = torch.bincount(family)
        self.compete = bool((self.size > 1).any())
        count = len(self.size)
        self.start = torch.tensor(START, dtype=DTYPE)
        self.mean = self.start.clone()
        self.mean_variance = torch.full((2,), START_SD**2, dtype=DTYPE)
        self.variance = torch.tensor([spread.start for spread in SPREADS], dtype=DTYPE)
        self.latent = (self.mean if self.compete else torch.full((2,), ALONE, dtype=DTYPE)).repeat(count, 1)
        self.covariance = torch.diag(self.variance).repeat(count, 1, 1) * self.compete
        self.weeks = torch.zeros(count, weeks, dtype=DTYPE)
        self.alike = 0.0  # correlation of the levels' walks inside a family

    def step(
        self, chosen: slice, family: Tensor, sums: LogSums, gradient: Tensor, weight: Tensor,
        explained: tuple[Tensor, Tensor], damping: float
    ) -> Tensor:  # fmt: skip
        """Move the coefficients and weeks of some families; the change (f, 2) of the latent coefficients.

        chosen: the families; family: (m,) numbers among them of the batch's SKUs; gradient, weight: (m, T) by log
        units; explained: what the SKUs' effects explain of the coefficients' curvature (m, 2, 2) and gradient (m, 2).
        """
        count = len(self.latent[chosen])
        total_gradient, total_weight = (family_sums(x, family, count) for x in (gradient, weight))
        explained_curvature, explained_gradient = explained
        moves = self.moves(chosen, sums)
        curvature = torch.einsum("ft,fta,ftb->fab", total_weight, moves, moves)
        together = (self.size[chosen] > 1)[:, None]
        free = 1 / (1 + total_weight * WEEK_VARIANCE * together)
        share = torch.einsum("ft,fta->fa", total_weight * free, moves**2)
        share = share / torch.einsum("ft,fta->fa", total_weight, moves**2).clamp(min=1e-12)
        curvature = curvature - family_sums(explained_curvature, family, count)
        slope = torch.einsum("ft,fta->fa", total_gradient, moves) - family_sums(explained_gradient, family, count)
        root = share.sqrt()
        curvature = curvature * root[:, :, None] * root[:, None, :]
        curvature = (curvature + curvature.transpose(1, 2)) / 2 + 1e-9 * torch.eye(2, dtype=DTYPE)
        unrested = total_gradient - self.weeks[chosen] / WEEK_VARIANCE  # what the weeks will take up themselves
        slope = slope - torch.einsum("ft,fta->fa", (1 - free) * unrested, moves)
        alone = (
            1 / (1 + self.alike * (self.size[chosen] - 1))[:, None]
        )  # members that move together say less (Kish 1965)
        alone = COARSE * alone
        curvature = curvature * alone[:, :, None]
        slope = slope * alone - (self.latent[chosen] - self.mean) / self.variance
        precision = _at_least(curvature) + torch.diag(1 / self.variance)
        covariance = torch.linalg.inv(precision)
        change = damping * (covariance @ slope[:, :, None])[:, :, 0].clamp(-0.5, 0.5)
        self.latent[chosen] += change
        self.covariance[chosen] = covariance
        own = total_weight + 1 / WEEK_VARIANCE
        week = self.weeks[chosen]
        left = unrested - total_weight * (moves * change[:, None, :]).sum(dim=2)
        self.weeks[chosen] = week + damping * together * left / own
        moved: Tensor = change
        return moved

    def moves(self, chosen: slice, sums: LogSums) -> Tensor:
        """How log units of every SKU of a family move with the latent coefficients, (f, T, 2)."""
        coefficient = torch.sigmoid(self.latent[chosen])
        by_latent = coefficient * (1 - coefficient)
        return torch.stack([sums.regular, sums.promotion], dim=2) * by_latent[:, None, :]

    def learn(self, walks: Tensor) -> None:
        """The prior of the coefficients from all families; walks: (n, K) steps of the levels of their SKUs."""
        if not self.compete:
            return
        self.alike = _intraclass(walks, self.family, self.size)
        variance = torch.diagonal(self.covariance, dim1=1, dim2=2)
        determined = ((1 - variance / self.variance).clamp(min=0) / self.variance).sum(dim=0)
        pull = (self.latent - self.mean).sum(dim=0) / self.variance - (self.mean - self.start) / START_SD**2
        self.mean_variance = 1 / (determined + 1 / START_SD**2)
        change = (0.7 * pull * self.mean_variance).clamp(-0.3, 0.3)
        self.mean = self.mean + change
        self.latent += variance / self.variance * change
        deviations = ((self.latent - self.mean) ** 2).sum(dim=0)
        for k, spread in enumerate(SPREADS):
            posterior, count = variance[:, k].sum(), len(self.latent)
            self.variance[k] = learned_variance(deviations[k], posterior, count, self.variance[k], spread)

    def coefficients(self) -> Coefficients:
        """The posterior."""
        variance = self.covariance[:, 0, 0]
        shared = variance / self.variance[0] * self.mean_variance[0].sqrt()
        return Coefficients(self.latent.clone(), variance.sqrt(), shared)


def _intraclass(walks: Tensor, family: Tensor, size: Tensor) -> float:
    """Correlation of the steps (n, K) of two members of a family, 0 to 1: analysis of variance, one way."""
    mean = family_sums(walks, family, len(size)) / size[:, None]
    several = size[family] > 1
    within = float(((walks - mean[family])[several] ** 2).sum())
    members, groups, steps = int(several.sum()), int((size > 1).sum()), walks.shape[1]
    within /= max((members - groups) * steps, 1)
    between = float((size[:, None] * mean**2)[size > 1].sum()) / max(groups * steps, 1)
    usual = members / max(groups, 1)
    return min(max((between - within) / max(between + (usual - 1) * within, 1e-12), 0.0), 1.0)


def _at_least(curvature: Tensor) -> Tensor:
    """The curvature (f, 2, 2) with its negative directions flattened: the data say nothing about them."""
    values, vectors = torch.linalg.eigh(curvature)
    flattened: Tensor = vectors @ (values.clamp(min=0)[:, :, None] * vectors.transpose(1, 2))
    return flattened
