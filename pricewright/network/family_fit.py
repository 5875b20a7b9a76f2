"""Fits what the SKUs of a family share: their log-sum coefficients, and weeks that all of them had in common.

Both are moved by Newton steps on the evidence, SKU effects integrated out by their Gaussian posterior. The family's own
weeks keep a busy week of the whole family from passing for the effect of a common price change.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from pricewright.network.families import ALONE, LogSums, family_sums
from pricewright.network.priors import Spread, learned_variance

DTYPE = torch.float64
# Latent means of the two coefficients before any data: shares of 0.35 and 0.55, that is a family elasticity of -0.7
# where that of an item is -2 (Andreyeva, Long and Brownell 2010 find -0.3 to -0.8 for categories of food).
START, START_SD = (-0.6, 0.2), 0.7
# Share of the evidence about what a family keeps that is believed: a coarsened posterior (Miller and Dunson 2019),
# since no family follows the model to the letter. In the simulated worlds all of it was wrong by two deviations.
COARSE = 0.3
SPREADS = (Spread(0.25, 4.0), Spread(0.25, 4.0))
WEEK_VARIANCE = 0.01  # of log units, of what all SKUs of a family have in common in a week; learned, it would vanish
# into the walks of the SKUs, and a busy week would pass for the effect of a common price change.


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
        """family: (n,) numbers from 0 on."""
        self.family = family
        self.size = torch.bincount(family)
        self.several = self.size > 1
        count = len(self.size)
        self.start = torch.tensor(START, dtype=DTYPE)
        self.mean = self.start.clone()
        self.mean_variance = torch.full((2,), START_SD**2, dtype=DTYPE)
        self.variance = torch.tensor([spread.start for spread in SPREADS], dtype=DTYPE)
        self.latent = torch.where(self.several[:, None], self.mean, ALONE)
        self.covariance = torch.diag(self.variance).repeat(count, 1, 1) * self.several[:, None, None]
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
        several = self.several[chosen]
        total_gradient, total_weight = (family_sums(x, family, count) for x in (gradient, weight))
        explained_curvature, explained_gradient = explained
        moves = self.moves(chosen, sums)
        curvature = torch.einsum("ft,fta,ftb->fab", total_weight, moves, moves)
        free = 1 / (1 + total_weight * WEEK_VARIANCE)
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
        change = change * several[:, None]
        self.latent[chosen] += change
        self.covariance[chosen] = covariance * several[:, None, None]
        own = total_weight + 1 / WEEK_VARIANCE
        week = self.weeks[chosen]
        left = unrested - total_weight * (moves * change[:, None, :]).sum(dim=2)
        self.weeks[chosen] = week + damping * several[:, None] * left / own
        moved: Tensor = change
        return moved

    def moves(self, chosen: slice, sums: LogSums) -> Tensor:
        """How log units of every SKU of a family move with the latent coefficients, (f, T, 2)."""
        coefficient = torch.sigmoid(self.latent[chosen])
        by_latent = coefficient * (1 - coefficient)
        return torch.stack([sums.regular, sums.promotion], dim=2) * by_latent[:, None, :]

    def learn(self, walks: Tensor) -> None:
        """The prior of the coefficients from all families; walks: (n, K) steps of the levels of their SKUs."""
        some = self.several
        count = int(some.sum())
        if not count:
            return
        self.alike = _intraclass(walks, self.family, self.size)
        latent, variance = self.latent[some], torch.diagonal(self.covariance[some], dim1=1, dim2=2)
        determined = ((1 - variance / self.variance).clamp(min=0) / self.variance).sum(dim=0)
        pull = (latent - self.mean).sum(dim=0) / self.variance - (self.mean - self.start) / START_SD**2
        self.mean_variance = 1 / (determined + 1 / START_SD**2)
        change = (0.7 * pull * self.mean_variance).clamp(-0.3, 0.3)
        self.mean = self.mean + change
        self.latent[some] += variance / self.variance * change
        deviations = ((self.latent[some] - self.mean) ** 2).sum(dim=0)
        for k, spread in enumerate(SPREADS):
            self.variance[k] = learned_variance(deviations[k], variance[:, k].sum(), count, self.variance[k], spread)

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
