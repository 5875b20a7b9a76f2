"""Fits the demand curves: variational inference for hierarchical random effects, SKU batch by SKU batch.

Each SKU's effects have a Gaussian posterior with full covariance, moved by natural-gradient steps (Khan and
Lin 2017) on its own weeks; priors, shop-wide weeks and noise are learned from what the batches add up to
(stochastic variational inference, Hoffman et al. 2013). Memory is one batch's, time is linear in SKU-weeks.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import softplus

from pricewright.core.errors import ModelError
from pricewright.network.batches import BatchSums, BatchView, jacobians, whole_families
from pricewright.network.curves import Curves
from pricewright.network.effects import (
    DTYPE,
    Batch,
    Layout,
    expected_derivatives,
    linearise,
    precision_of,
    size_step,
    variance_of,
    with_same_softplus,
)
from pricewright.network.families import FamilyFit, family_sums, log_sums, taken
from pricewright.network.grid import Grid, without_improbable_weeks
from pricewright.network.priors import (
    ProductSlopes,
    learned_variance,
    population_means,
    starting_variances,
    variance_priors,
)

Floats = NDArray[np.float64]
# Correlation of slopes with the effects of temporary cuts: where it starts, the SKUs that start is worth, its bound.
ALIKE, ALIKE_WEIGHT, MOST_ALIKE = 0.8, 20.0, 0.95
FAMILY_DAMPING = 0.5
# On the posterior deviations of slope and curvature, where there are families and where not: with 1, 90 % intervals
# held 75 to 90 %.
COARSE_SD, COARSE_SD_ALONE = 1.4, 1.2
CALM_SWEEPS = 15  # after this many, steps get shorter: SKUs of a family that answer to each other come to rest
SETTLING_SWEEPS = 3  # the first sweeps move carefully and leave the priors alone


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
        self.families = FamilyFit(torch.tensor(grid.family), len(grid.weeks))
        self.population = population_means(self.layout, self.design.shape[2], substitutes=self.families.compete)
        self.prior_mean_variance = self.population.covariance[0, 0]
        self.prior_variance = starting_variances(self.layout, params)
        self.alike = ALIKE if params["pooling"] else 0.0
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
        self.usual_size = 0.0, 0.05
        self.products = ProductSlopes(torch.tensor(grid.product))
        self.batches = whole_families(grid.family, int(params["batch_skus"]))
        self.moved = float("inf")

    def sweep(self, number: int) -> None:
        """One natural-gradient step of every SKU, then one of all that the SKUs share."""
        sums = BatchSums.zeros(len(self.weeks), self.layout.width, self.design.shape[2])
        self.usual_size = float(self.log_size.mean()), float(self.log_size.var(correction=0)) + 0.05
        for rows in self.batches:
            self._visit(rows, number, sums)
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
                self.families.learn(self.effects[:, self.layout.walk])

    def _visit(self, rows: slice, number: int, sums: BatchSums) -> None:
        batch, layout, base = self.data[rows], self.layout, self.layout.base
        effects = self.effects[rows] + self.response[rows] @ self.change
        effects = effects + self.response[rows][:, :, 0] * self.products.change[self.products.product[rows], None]
        prior = self._prior_precision()
        seen = self._look(rows, effects)
        precision = precision_of(seen.weight, seen.own, layout) + prior
        precision[:, base:, base:] += seen.others.transpose(1, 2) @ (seen.rest_weight[:, :, None] * seen.others)
        root = torch.linalg.cholesky(precision)
        step = torch.cholesky_solve(self._force(rows, effects, seen)[:, :, None], root)[:, :, 0].clamp(-1.5, 1.5)
        covariance = torch.cholesky_inverse(root)
        compete = self.families.compete
        calm = 1 / (1 + max(number - CALM_SWEEPS, 0) / CALM_SWEEPS) if compete else 1.0
        effects = effects + step * (0.4 if number < SETTLING_SWEEPS else calm * float(self.params["damping"]))
        left = (seen.gradient, seen.weight)
        if number >= SETTLING_SWEEPS and compete:
            effects, left = self._move_families(rows, effects, covariance, calm)
        self.effects[rows] = effects
        self.variance[rows] = variance_of(covariance, seen.own, layout)
        self.price_covariance[rows] = covariance[:, base:, base:]
        self.response[rows] = covariance[:, :, base:] @ prior[base:, base:] @ self.design[rows]
        mean = torch.exp((seen.eta + self.variance[rows] / 2).clamp(-14, 16))
        self.log_size[rows] = size_step(batch.units, mean, batch.seen, self.log_size[rows], *self.usual_size)
        sums.add(
            (effects - self._prior_mean(rows)) ** 2,
            torch.diagonal(covariance, dim1=1, dim2=2),
            *(part.sum(dim=0) for part in left),
            *self._evidence(rows, effects),
            effects[:, 0].sum(),
            self._together(rows, effects, covariance),
            float(step.abs().sum()),
        )

    def _look(self, rows: slice, effects: Tensor) -> BatchView:
        """What the weeks of some SKUs say, at these effects (m, d)."""
        batch, family = self.data[rows], self.families.family[rows]
        chosen = slice(int(family[0]), int(family[-1]) + 1)
        family, latent = family - chosen.start, self.families.latent[chosen]
        terms = linearise(effects, batch, self.layout, self.price_covariance[rows])
        competing = log_sums(terms.base, terms.regular, terms.promotion, batch.listed, family, latent)
        own, others = jacobians(terms, taken(competing, latent, family))
        eta = terms.base + terms.regular + terms.promotion + competing.shift + self.weeks
        eta = eta + self.families.weeks[chosen][family]
        gradient, weight = expected_derivatives(batch.units, eta, self.variance[rows], self.log_size[rows])
        gradient, weight = gradient * batch.seen, weight * batch.seen
        rest = (family_sums(x, family, len(latent))[family] - x for x in (gradient, weight))
        return BatchView(chosen, family, competing, own, others, eta, gradient, weight, *rest)

    def _force(self, rows: slice, effects: Tensor, seen: BatchView) -> Tensor:
        """Gradient of the log posterior by the effects, (m, d): a SKU's price moves the others of its family too."""
        by_price = torch.einsum("mt,mtp->mp", seen.gradient, seen.own)
        by_price = by_price + torch.einsum("mt,mtp->mp", seen.rest_gradient, seen.others)
        pull = (self._prior_mean(rows) - effects) @ self._prior_precision()
        return torch.cat([seen.gradient @ self.layout.time, by_price], dim=1) + pull

    def _move_families(
        self, rows: slice, effects: Tensor, covariance: Tensor, calm: float
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Move what families share, given the SKUs' effects and their posterior; the effects as they answer to it, and
        what gradient and weight are then left to the weeks of the shop.
        """
        seen = self._look(rows, effects)
        moves = self.families.moves(seen.chosen, seen.competing)[seen.family]
        weighted = seen.weight[:, :, None] * moves
        by_price = torch.einsum("mtp,mta->mpa", seen.own, weighted)  # of its own weeks: each week is explained once
        coupled = torch.cat([torch.einsum("tb,mta->mba", self.layout.time, weighted), by_price], dim=1)
        answered = covariance @ coupled
        force = self._force(rows, effects, seen)[:, :, None]
        explained = (coupled.transpose(1, 2) @ answered, (answered.transpose(1, 2) @ force)[:, :, 0])
        before = self.families.weeks[seen.chosen].clone()
        change = self.families.step(
            seen.chosen, seen.family, seen.competing, seen.gradient, seen.weight, explained, calm * FAMILY_DAMPING
        )
        taken_up = (self.families.weeks[seen.chosen] - before)[seen.family]
        effects = effects - (answered @ change[seen.family][:, :, None])[:, :, 0].clamp(-0.5, 0.5)
        return effects, (seen.gradient - seen.weight * taken_up, seen.weight)

    def _evidence(self, rows: slice, effects: Tensor) -> tuple[Tensor, Tensor]:
        """Gradient and curvature of the evidence by the population means of the price effects."""
        base = self.layout.base
        inverse = self._prior_precision()[base:, base:]
        design = self.design[rows]
        left = inverse - inverse @ self.price_covariance[rows] @ inverse
        pull = (effects - self._prior_mean(rows))[:, base:] @ inverse
        self.products.add(rows, pull[:, 0], left[:, 0, 0])
        gradient = torch.einsum("npa,np->a", design, pull)
        return gradient, torch.einsum("npa,npq,nqb->ab", design, left, design)

    def _together(self, rows: slice, effects: Tensor, covariance: Tensor) -> Tensor:
        """How far slopes and effects of a cut depart from their means together, summed over the SKUs."""
        slope, depth = self.layout.base, self.layout.promotion.start
        away = effects - self._prior_mean(rows)
        return (away[:, slope] * away[:, depth] + covariance[:, slope, depth]).sum()

    def _prior_precision(self) -> Tensor:
        """Inverse prior covariance of the effects, (d, d): all are apart but slope and effect of a cut."""
        precision = torch.diag(1 / self.prior_variance)
        slope, depth = self.layout.base, self.layout.promotion.start
        left = 1 - self.alike**2
        precision[slope, slope] /= left
        precision[depth, depth] /= left
        between = -self.alike / left / (self.prior_variance[slope] * self.prior_variance[depth]).sqrt()
        precision[slope, depth] = precision[depth, slope] = between
        return precision

    def _learn_weeks(self, sums: BatchSums) -> None:
        """The weeks that all SKUs share: one damped Newton step, and their variance."""
        if not self.params["control"]:
            return
        precision = sums.weight + 1 / self.weeks_variance
        self.weeks = self.weeks + 0.3 * (sums.gradient - self.weeks / self.weeks_variance) / precision
        self.weeks_variance = max(float((self.weeks**2 + 1 / precision).mean()), 1e-4)

    def _learn_priors(self, sums: BatchSums) -> None:
        layout, n = self.layout, len(self.grid)
        self.change = self.population.step(sums.evidence_gradient, sums.evidence_curvature, 0.7)
        self.products.learn(0.7)
        self.level_mean = sums.levels / n
        for group, spread in variance_priors(layout, self.params):
            count = n * (group.stop - group.start)
            deviations, posterior = sums.deviations[group].sum(), sums.posterior[group].sum()
            variance = self.prior_variance[group].mean()
            self.prior_variance[group] = learned_variance(deviations, posterior, count, variance, spread)
        spreads = (self.prior_variance[layout.base] * self.prior_variance[layout.promotion.start]).sqrt()
        together = (float(sums.together / spreads) + ALIKE_WEIGHT * ALIKE) / (n + ALIKE_WEIGHT)
        self.alike = min(max((self.alike + together) / 2, -MOST_ALIKE), MOST_ALIKE)

    def curves(self) -> Curves:
        """The posterior of slope and curvature at the last week, the population's own uncertainty included."""
        base, layout = self.layout.base, self.layout
        read = torch.zeros(2, layout.width - base, dtype=DTYPE)
        read[0, : layout.path.shape[1]] = layout.path[-1]
        read[1, layout.curvature - base] = 1.0
        root = torch.linalg.cholesky(self.population.covariance)
        coarse = COARSE_SD if self.families.compete else COARSE_SD_ALONE
        loading = coarse * read @ self.response[:, base:] @ root
        fitted = read @ self.price_covariance @ read.T
        answers = (read @ self.response[:, base:, 0].T).T  # of an item's curve to the mean of its product
        of_product = self.products.posterior[self.products.product][:, None, None]
        own = coarse**2 * (fitted + of_product * answers[:, :, None] * answers[:, None, :])
        covariance = own + loading @ loading.transpose(1, 2)
        mean = self.effects[:, base:] @ read.T
        mean[:, 0] = with_same_softplus(mean[:, 0], fitted[:, 0, 0], covariance[:, 0, 0])
        known = self.families.coefficients()
        summary = {
            "mean_latent_slope": float((self.effects[:, base:] @ read[0]).mean()),
            "slope_sd": float(self.prior_variance[base].sqrt()),
            "curvature": float(softplus(self.effects[:, layout.curvature]).mean()),
            "creeping": float(self.effects[:, layout.gradual_price].mean()),
            "alike": self.alike,
            "product_slope_sd": float(self.products.variance.sqrt()) * bool(self.products.several.any()),
            "depth": float(self.effects[:, layout.promotion.start].mean()),
            "families": int((self.families.size > 1).sum()),
            "family_walk": self.families.alike,
            "kept_regular": float(torch.sigmoid(self.families.mean[0])),
            "kept_promotion": float(torch.sigmoid(self.families.mean[1])),
            "size": float(torch.exp(self.log_size.mean())),
            "week_sd": self.weeks_variance**0.5,
            "last_mean_step": self.moved,
        }
        before = float(starting_variances(layout, self.params)[base] + self.prior_mean_variance)
        return Curves(
            codes=self.grid.codes,
            weeks=self.grid.weeks,
            base_price=self.grid.base_price,
            mean=mean.numpy(),
            covariance=covariance.numpy(),
            own_covariance=own.numpy(),
            loading=loading.numpy(),
            log_size=self.log_size[:, 0].numpy(),
            promotion=self.effects[:, layout.promotion].numpy(),
            log_base=self._log_base().numpy(),
            family=self.grid.family,
            coefficients=known.mean.numpy(),
            coefficient_own_sd=known.own_sd.numpy(),
            coefficient_shared_sd=known.shared_sd.numpy(),
            informed=(1 - covariance[:, 0, 0] / before).clamp(0, 1).numpy(),
            summary=summary,
        )

    def _log_base(self) -> Tensor:
        """Log units at base prices apart from the weeks that the SKUs share, (n, T)."""
        parts = (
            linearise(self.effects[rows], self.data[rows], self.layout, self.price_covariance[rows]).base
            for rows in self.batches
        )
        return torch.cat(list(parts))

    def _prior_mean(self, rows: slice) -> Tensor:
        prior = torch.zeros_like(self.effects[rows])
        prior[:, 0] = self.level_mean
        prior[:, self.layout.base :] = self.design[rows] @ self.population.theta
        prior[:, self.layout.base] += self.products.mean[self.products.product[rows]]
        return prior

    def _design(self, attributes: Tensor) -> Tensor:
        """Each price effect has a population mean; that of the slope also moves with the SKU's attributes."""
        width = self.layout.width - self.layout.base
        design = torch.zeros(len(self.grid), width, width + attributes.shape[1], dtype=DTYPE)
        design[:, range(width), range(width)] = 1.0
        design[:, 0, width:] = attributes
        return design

    def _log_mean_units(self) -> Tensor:
        return torch.log(self.data.units.sum(dim=1) / self.data.seen.sum(dim=1).clamp(min=1) + 0.1)


def fit_curves(
    grid: Grid, params: Mapping[str, Any], progress: Callable[[int, int], None] = lambda done, of: None
) -> Curves:
    """Fit the curves of all SKUs of the grid; `progress(sweep, sweeps)` is called after each sweep.

    Needs no seed: the inference is deterministic. Raises ModelError when it diverges.
    """
    fit = CurveFit(without_improbable_weeks(grid), params)
    sweeps = int(params["sweeps"])
    for number in range(sweeps):
        fit.sweep(number)
        progress(number + 1, sweeps)
        if number > 2 * SETTLING_SWEEPS and fit.moved < float(params["tolerance"]):
            break
    return fit.curves()
