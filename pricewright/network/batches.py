"""Batches of SKUs: which are visited together, what a visit sees of them, and the sums it leaves for the priors."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pricewright.network.effects import (
    DTYPE,
    Terms,
)
from pricewright.network.families import LogSums


@dataclass(frozen=True)
class BatchView:
    """The weeks of m SKUs at some effects. chosen, family: their families, and the number among them of each SKU.

    own, others: (m, T, P), how the SKU's price block moves its own log units and those of the others of its family;
    eta, gradient, weight: (m, T), log units, and derivatives of the log likelihood by them; rest: of the others.
    """

    chosen: slice
    family: Tensor
    competing: LogSums
    own: Tensor
    others: Tensor
    eta: Tensor
    gradient: Tensor
    weight: Tensor
    rest_gradient: Tensor
    rest_weight: Tensor


@dataclass
class BatchSums:
    """What the batches of one sweep add up to."""

    deviations: Tensor
    posterior: Tensor
    gradient: Tensor
    weight: Tensor
    evidence_gradient: Tensor
    evidence_curvature: Tensor
    levels: Tensor
    together: Tensor
    moved: float

    @classmethod
    def zeros(cls, weeks: int, width: int, means: int) -> "BatchSums":
        """Nothing summed up yet."""
        shapes = ((width,), (width,), (weeks,), (weeks,), (means,), (means, means), (), ())
        zeros = [torch.zeros(shape, dtype=DTYPE) for shape in shapes]
        return cls(zeros[0], zeros[1], zeros[2], zeros[3], zeros[4], zeros[5], zeros[6], zeros[7], 0.0)

    def add(self, deviations: Tensor, posterior: Tensor, *rest: Any) -> None:
        """Adds what a visit of one batch gives, in the order of the fields."""
        self.deviations += deviations.sum(dim=0)
        self.posterior += posterior.sum(dim=0)
        gradient, weight, evidence_gradient, evidence_curvature, levels, together, moved = rest
        self.gradient += gradient
        self.weight += weight
        self.evidence_gradient += evidence_gradient
        self.evidence_curvature += evidence_curvature
        self.levels += levels
        self.together += together
        self.moved += moved


def jacobians(terms: Terms, taken: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """How log units of a SKU, and of every other one of its family, move with its price block; (m, T, P) each."""
    by_regular, by_promotion = (share[:, :, None] for share in taken)
    others = -by_regular * terms.by_regular - by_promotion * terms.by_promotion
    return terms.by_base + terms.by_regular + terms.by_promotion + others, others


def whole_families(family: NDArray[np.int64], size: int) -> list[slice]:
    """Batches of about `size` SKUs that do not split families; family: (n,) numbers in order."""
    ends = np.flatnonzero(np.r_[np.diff(family) > 0, True]) + 1
    batches, start, before = [], 0, 0
    for end in ends.tolist():
        if end - start > size and before > start:
            batches.append(slice(start, before))
            start = before
        before = end
    return [*batches, slice(start, len(family))]
