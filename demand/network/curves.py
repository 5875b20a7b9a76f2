"""Fits the demand curves: variational inference for hierarchical random effects, SKU batch by SKU batch.

Each SKU's effects have a Gaussian posterior with full covariance, moved by natural-gradient steps (Khan and
Lin 2017) on its own weeks; priors, shop-wide weeks and noise are learned from what the batches add up to
(stochastic variational inference, Hoffman et al. 2013). Memory is one batch's, time is linear in SKU-weeks.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import softplus

from demand.errors import ModelError
from demand.network.effects import DTYPE, Batch, Layout, linearise, precision_of, variance_of
from demand.network.grid import Grid
from demand.network.noise import expected_derivatives, size_step
from demand.network.priors import PopulationMeans, Spread, learned_variance

Floats = NDArray[np.float64]
SETTLING_SWEEPS = 3  # the first sweeps move carefully and leave the priors alone


@dataclass(frozen=True)
class Curves:
    """Posterior of n SKUs' curves for the coming week: (latent slope, latent curvature) ~ N(mean, covariance).

    mean: (n, 2); covariance: (n, 2, 2); log_size: (n,) of the negative binomial; summary: what was learned.
    """

    codes: tuple[str, ...]
    anchor: Floats
    mean: Floats
    covariance: Floats
    log_size: Floats
    summary: dict[str, float]


class CurveFit:
    """The state of one fit; `sweep` visits every batch once, `curves` reads the posterior off."""

    def __init__(self, grid: Grid, params: Mapping[str, Any]) -> None:
        self.params, self.grid = params, grid
        control = bool(params["control"])
        self.layout = Layout.of(
            len(grid.weeks),
            level_knot=int(params["level_knot_weeks"]),
            slope_knot=int(params["slope_knot_weeks"]),
            harmonics=int(params["harmonics"]),
            control=control,
        )
        self.data = Batch.of(grid, float(params["outlying"]), control=control)
        n, d, layout = len(grid), self.layout.width, self.layout
        self.design = self._design(torch.tensor(grid.attributes, dtype=DTYPE))
        self.population = self._population(self.design.shape[2])
        self.prior_variance = self._starting_variances()
        self.level_mean = self._log_mean_units().mean()
        self.effects = torch.zeros(n, d, dtype=DTYPE)
        self.effects[:, 0] = self._log_mean_units()
        self.effects[:, layout.base :] = self.design @ self.population.theta
        self.variance = torch.full_like(self.data.units, 0.01)
        self.response = torch.zeros(n, d, self.design.shape[2], dtype=DTYPE)
        self.change = torch.zeros(self.design.shape[2], dtype=DTYPE)
        self.price_covariance = torch.zeros(n, d - layout.base, d - layout.base, dtype=DTYPE)
        self.log_size = torch.ones(n, 1, dtype=DTYPE)
        self.weeks = torch.zeros(len(grid.weeks), dtype=DTYPE)
        self.weeks_variance = 0.05
        self.moved = float("inf")

    def sweep(self, number: int) -> None:
        """One natural-gradient step of every SKU, then one of all that the SKUs share."""
        sums = _Sums.zeros(len(self.weeks), self.layout.width, self.design.shape[2])
        size = int(self.params["batch_skus"])
        for start in range(0, len(self.grid), size):
            self._visit(slice(start, min(start + size, len(self.grid))), number, sums)
        self.moved = sums.moved / max(len(self.grid) * self.layout.width, 1)
        if not np.isfinite(self.moved):
            raise ModelError(
                f"the curves diverged in sweep {number}: the mean step is {self.moved}.",
                hint="look for extreme units or prices in the panel, or lower network.curves.damping.",
            )
        if number >= SETTLING_SWEEPS:
            self._learn_weeks(sums)
            if self.params["pooling"]:
                self._learn_priors(sums)

    def _visit(self, rows: slice, number: int, sums: "_Sums") -> None:
        batch, layout, base = self.data[rows], self.layout, self.layout.base
        effects = self.effects[rows] + self.response[rows] @ self.change
        eta, jacobian = linearise(effects, batch, layout)
        eta = eta + self.weeks
        gradient, weight = expected_derivatives(batch.units, eta, self.variance[rows], self.log_size[rows])
        gradient, weight = gradient * batch.seen, weight * batch.seen
        pull = (self._prior_mean(rows) - effects) / self.prior_variance
        force = torch.cat([gradient @ layout.time, (gradient[:, :, None] * jacobian).sum(dim=1)], dim=1) + pull
        precision = precision_of(weight, jacobian, layout) + torch.diag(1 / self.prior_variance)
        root = torch.linalg.cholesky(precision)
        step = torch.cholesky_solve(force[:, :, None], root)[:, :, 0].clamp(-1.5, 1.5)
        covariance = torch.cholesky_inverse(root)
        effects = effects + step * (0.4 if number < SETTLING_SWEEPS else float(self.params["damping"]))
        self.effects[rows] = effects
        self.variance[rows] = variance_of(covariance, jacobian, layout)
        self.price_covariance[rows] = covariance[:, base:, base:]
        self.response[rows] = (covariance[:, :, base:] / self.prior_variance[base:]) @ self.design[rows]
        mean = torch.exp((eta + self.variance[rows] / 2).clamp(-14, 16))
        centre, spread = float(self.log_size.mean()), float(self.log_size.var(correction=0)) + 0.05
        self.log_size[rows] = size_step(batch.units, mean, batch.seen, self.log_size[rows], centre, spread)
        sums.add(
            (effects - self._prior_mean(rows)) ** 2,
            torch.diagonal(covariance, dim1=1, dim2=2),
            gradient.sum(dim=0),
            weight.sum(dim=0),
            *self._evidence(rows, effects),
            effects[:, 0].sum(),
            float(step.abs().sum()),
        )

    def _evidence(self, rows: slice, effects: Tensor) -> tuple[Tensor, Tensor]:
        """Gradient and curvature of the evidence by the population means of the price effects."""
        base = self.layout.base
        inverse = 1 / self.prior_variance[base:]
        design = self.design[rows]
        left = torch.diag(inverse) - self.price_covariance[rows] * inverse[:, None] * inverse
        gradient = torch.einsum("npa,np->a", design, (effects[:, base:] - design @ self.population.theta) * inverse)
        return gradient, torch.einsum("npa,npq,nqb->ab", design, left, design)

    def _learn_weeks(self, sums: "_Sums") -> None:
        """The weeks that all SKUs share: one damped Newton step, and their variance."""
        if not self.params["control"]:
            return
        precision = sums.weight + 1 / self.weeks_variance
        self.weeks = self.weeks + 0.3 * (sums.gradient - self.weeks / self.weeks_variance) / precision
        self.weeks_variance = max(float((self.weeks**2 + 1 / precision).mean()), 1e-4)

    def _learn_priors(self, sums: "_Sums") -> None:
        layout, n = self.layout, len(self.grid)
        self.change = self.population.step(sums.evidence_gradient, sums.evidence_curvature, 0.7)
        self.level_mean = sums.levels / n
        groups = [(group, Spread(0.01, 2.0)) for group in layout.groups]
        groups += [(slice(layout.base, layout.base + 1), Spread(0.6, 5.0))]
        drift = Spread(float(self.params["slope_drift"]) ** 2, 10.0)
        groups += [(slice(k, k + 1), drift) for k in range(layout.ramps.start, layout.ramps.stop)]
        groups += [(slice(layout.creeping, layout.creeping + 1), Spread(0.1, 5.0))]
        groups += [(slice(layout.curvature, layout.width), Spread(float(self.params["curvature_sd"]) ** 2, 50.0))]
        for group, spread in groups:
            count = n * (group.stop - group.start)
            deviations, posterior = sums.deviations[group].sum(), sums.posterior[group].sum()
            variance = self.prior_variance[group].mean()
            self.prior_variance[group] = learned_variance(deviations, posterior, count, variance, spread)

    def curves(self) -> Curves:
        """The posterior of slope and curvature at the last week, the population's own uncertainty included."""
        base, layout = self.layout.base, self.layout
        read = torch.zeros(2, layout.width - base, dtype=DTYPE)
        read[0, : layout.path.shape[1]] = layout.path[-1]
        read[1, -1] = 1.0
        response = self.response[:, base:]
        full = self.price_covariance + response @ self.population.covariance @ response.transpose(1, 2)
        summary = {
            "mean_latent_slope": float((self.effects[:, base:] @ read[0]).mean()),
            "slope_sd": float(self.prior_variance[base].sqrt()),
            "curvature": float(softplus(self.effects[:, layout.curvature]).mean()),
            "creeping": float(self.effects[:, layout.creeping].mean()),
            "size": float(torch.exp(self.log_size.mean())),
            "week_sd": self.weeks_variance**0.5,
            "last_mean_step": self.moved,
        }
        mean, covariance = self.effects[:, base:] @ read.T, read @ full @ read.T
        tables = (mean.numpy(), covariance.numpy(), self.log_size[:, 0].numpy())
        return Curves(self.grid.codes, self.grid.anchor, *tables, summary)

    def _prior_mean(self, rows: slice) -> Tensor:
        prior = torch.zeros_like(self.effects[rows])
        prior[:, 0] = self.level_mean
        prior[:, self.layout.base :] = self.design[rows] @ self.population.theta
        return prior

    def _design(self, attributes: Tensor) -> Tensor:
        """Each price effect has a population mean; that of the slope also moves with the SKU's attributes."""
        width = self.layout.width - self.layout.base
        design = torch.zeros(len(self.grid), width, width + attributes.shape[1], dtype=DTYPE)
        design[:, range(width), range(width)] = 1.0
        design[:, 0, width:] = attributes
        return design

    def _population(self, width: int) -> PopulationMeans:
        """Before any data: elasticities of about 2 (Bijmolt et al. 2005 find a mean of 2.6), exponential curves."""
        start, sd = torch.zeros(width, dtype=DTYPE), torch.full((width,), 0.3, dtype=DTYPE)
        place = self.layout.width - self.layout.base
        start[0], sd[0] = 1.8, 1.0
        sd[1 : self.layout.path.shape[1]] = 0.25
        sd[place - 2] = 1.5
        start[place - 1], sd[place - 1] = 0.5413, 0.5  # softplus of it is 1, an exponential curve
        return PopulationMeans.starting(start, sd)

    def _starting_variances(self) -> Tensor:
        layout, wide = self.layout, 100.0
        variance = torch.full((layout.width,), 0.05, dtype=DTYPE)
        variance[0] = 2.0
        variance[layout.base] = 1.0 if self.params["pooling"] else wide
        variance[layout.ramps] = float(self.params["slope_drift"]) ** 2
        variance[layout.creeping] = 0.5
        variance[layout.curvature] = float(self.params["curvature_sd"]) ** 2
        return variance

    def _log_mean_units(self) -> Tensor:
        return torch.log(self.data.units.sum(dim=1) / self.data.seen.sum(dim=1).clamp(min=1) + 0.1)


@dataclass
class _Sums:
    """What the batches of one sweep add up to."""

    deviations: Tensor
    posterior: Tensor
    gradient: Tensor
    weight: Tensor
    evidence_gradient: Tensor
    evidence_curvature: Tensor
    levels: Tensor
    moved: float

    @classmethod
    def zeros(cls, weeks: int, width: int, means: int) -> "_Sums":
        shapes = ((width,), (width,), (weeks,), (weeks,), (means,), (means, means), ())
        deviations, posterior, gradient, weight, first, second, levels = (
            torch.zeros(shape, dtype=DTYPE) for shape in shapes
        )
        return cls(deviations, posterior, gradient, weight, first, second, levels, 0.0)

    def add(self, deviations: Tensor, posterior: Tensor, *rest: Any) -> None:
        self.deviations += deviations.sum(dim=0)
        self.posterior += posterior.sum(dim=0)
        gradient, weight, evidence_gradient, evidence_curvature, levels, moved = rest
        self.gradient += gradient
        self.weight += weight
        self.evidence_gradient += evidence_gradient
        self.evidence_curvature += evidence_curvature
        self.levels += levels
        self.moved += moved


def fit_curves(
    grid: Grid, params: Mapping[str, Any], progress: Callable[[int, int], None] = lambda done, of: None
) -> Curves:
    """Fit the curves of all SKUs of the grid; `progress(sweep, sweeps)` is called after each sweep.

    Needs no seed: the inference is deterministic. Raises ModelError when it diverges.
    """
    fit = CurveFit(grid, params)
    sweeps = int(params["sweeps"])
    for number in range(sweeps):
        fit.sweep(number)
        progress(number + 1, sweeps)
        if number > 2 * SETTLING_SWEEPS and fit.moved < float(params["tolerance"]):
            break
    return fit.curves()
