"""Random effects per SKU: what log units depend on, the shape of a curve, the noise, and the shared priors.

One vector per SKU: [level, seasons, random walk | slope, slope ramps | creeping | curvature | depth, display, dip].
The first block is linear in functions of time that all SKUs share; the price block is not linear and is linearised at
its mean. Regular price (slope, curvature) and temporary cut (depth, display) are parts of the SKU's attraction, with
which it competes in its family (families.py); creeping and dip move its units alone.
"""

from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import softplus

from pricewright.network.grid import Grid
from pricewright.network.regular import gradual_price, ramps, seasons

NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(5)
WEIGHTS = WEIGHTS / WEIGHTS.sum()
FLATTEST = 0.05  # curvature per log price: a curve flatter than that is computed with it
NEWTON_STEPS = 8
SERIES = 1e-3  # below this |curvature x log ratio| the series is more exact than the quotient
DTYPE = torch.float64


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


def box_cox(x: Tensor, curvature: Tensor) -> tuple[Tensor, Tensor]:
    """g(x; c) = (exp(c x) - 1) / c and its derivative by c; x = log(price / base price); the shapes broadcast."""
    cx = curvature * x
    near = cx.abs() < SERIES
    safe = torch.where(near, torch.ones_like(cx), cx)
    value = torch.where(near, x * (1 + cx / 2 + cx**2 / 6), x * torch.expm1(safe) / safe)
    slope = torch.where(near, x**2 * (0.5 + cx / 3), x**2 * ((safe - 1) * torch.exp(safe) + 1) / safe**2)
    return value, slope


def expected_softplus(mean: Tensor, variance: Tensor) -> tuple[Tensor, Tensor]:
    """softplus(x) and its derivative, expected under x ~ N(mean, variance); five Gauss-Hermite nodes.

    What is not known well is larger on average than at its mean: a slope that is fitted at its latent mean, and drawn
    around it afterwards, would promise too much of every cut.
    """
    sd = variance.clamp(min=1e-10).sqrt()
    value, derivative = torch.zeros_like(mean), torch.zeros_like(mean)
    for node, weight in zip(NODES, WEIGHTS, strict=True):
        value += float(weight) * softplus(mean + float(node) * sd)
        derivative += float(weight) * torch.sigmoid(mean + float(node) * sd)
    return value, derivative


def with_same_softplus(mean: Tensor, variance: Tensor, wider: Tensor) -> Tensor:
    """The mean with which softplus is expected the same under N(., wider) as under N(mean, variance)."""
    wanted, _ = expected_softplus(mean, variance)
    found = mean.clone()
    for _ in range(NEWTON_STEPS):
        value, derivative = expected_softplus(found, wider)
        found = found - ((value - wanted) / derivative.clamp(min=1e-6)).clamp(-2.0, 2.0)
    return found


def log_effect(x: Tensor, latent_slope: Tensor, latent_curvature: Tensor) -> Tensor:
    """Log units at the price minus log units at the base price: -softplus(slope) x g(x; softplus(curvature))."""
    return -softplus(latent_slope) * box_cox(x, softplus(latent_curvature).clamp(min=FLATTEST))[0]


@dataclass(frozen=True)
class Layout:
    """Where each effect stands in the vector of d effects, and the functions of time behind them.

    time: (T, B) functions of the first block; path: (T, 1 + K) of the slope; season: columns of the seasons.
    """

    time: Tensor
    path: Tensor
    season_columns: int

    @classmethod
    def of(cls, weeks: int, *, level_knot: int, slope_knot: int, harmonics: int, control: bool) -> "Layout":
        """The layout for T weeks; without `control` only a level is left beside the price."""
        ones = np.ones((weeks, 1))
        parts = [ones, seasons(weeks, harmonics), ramps(weeks, level_knot)] if control else [ones]
        path = np.concatenate([ones, ramps(weeks, slope_knot)], axis=1) if control else ones
        season_columns = 2 * harmonics if control else 0
        return cls(
            torch.tensor(np.concatenate(parts, axis=1), dtype=DTYPE), torch.tensor(path, dtype=DTYPE), season_columns
        )

    @property
    def base(self) -> int:
        """Width of the first block; the slope of a SKU stands right behind it."""
        return self.time.shape[1]

    @property
    def ramps(self) -> slice:
        """The changes of the slope."""
        return slice(self.base + 1, self.base + self.path.shape[1])

    @property
    def gradual_price(self) -> int:
        """The coefficient of the creeping part of the price."""
        return self.base + self.path.shape[1]

    @property
    def curvature(self) -> int:
        """The curvature of the curve."""
        return self.gradual_price + 1

    @property
    def promotion(self) -> slice:
        """Effect of a cut's depth, of a promotion as such, and of the promotions of the weeks before."""
        return slice(self.curvature + 1, self.curvature + 4)

    @property
    def walk(self) -> slice:
        """The steps of the level's random walk."""
        return slice(1 + self.season_columns, self.base)

    @property
    def width(self) -> int:
        """Effects per SKU."""
        return self.curvature + 4

    @property
    def groups(self) -> list[slice]:
        """Effects of the first block that share one prior variance: level, each season's pair, random walk."""
        pairs = [slice(1 + i, 3 + i) for i in range(0, self.season_columns, 2)]
        return [slice(0, 1), *pairs, *([self.walk] if self.walk.start < self.walk.stop else [])]


@dataclass(frozen=True)
class Batch:
    """Some SKUs' weeks as tensors, all (m, T); as in Grid."""

    units: Tensor
    log_ratio: Tensor
    gradual_price: Tensor
    depth: Tensor
    promotion: Tensor
    dip: Tensor
    seen: Tensor
    listed: Tensor

    @classmethod
    def of(cls, grid: Grid, outlying: float, *, control: bool) -> "Batch":
        """Every SKU of the grid; without `control` the creeping part is left out."""
        path = gradual_price(grid.log_price_ratio, grid.listed, outlying) * float(control)
        tables = (
            grid.units, grid.log_price_ratio, path, grid.depth, grid.promotion, grid.dip, grid.seen, grid.listed,
        )  # fmt: skip
        return cls(*(torch.tensor(table, dtype=DTYPE) for table in tables))

    def __getitem__(self, rows: slice) -> "Batch":
        return Batch(*(getattr(self, field.name)[rows] for field in fields(self)))


@dataclass(frozen=True)
class Terms:
    """Parts of log expected units, (m, T), and their slopes by the price block, (m, T, P).

    base: what is not attraction; regular, promotion: log attraction of the regular price and of a temporary cut.
    """

    base: Tensor
    regular: Tensor
    promotion: Tensor
    by_base: Tensor
    by_regular: Tensor
    by_promotion: Tensor


def linearise(effects: Tensor, batch: Batch, layout: Layout, covariance: Tensor) -> Terms:
    """The parts of log expected units at these effects (m, d), without the shop's and the families' weeks.

    covariance: (m, P, P) of the price block, over which the slope is averaged.
    """
    latent = effects[:, layout.base : layout.ramps.stop] @ layout.path.T
    ramps = layout.path.shape[1]
    variance = ((layout.path @ covariance[:, :ramps, :ramps]) * layout.path).sum(dim=2)
    slope, by_latent = expected_softplus(latent, variance)
    latent_curvature = effects[:, layout.curvature : layout.curvature + 1]
    value, by_curvature = box_cox(batch.log_ratio, softplus(latent_curvature))
    by_curvature = by_curvature * torch.sigmoid(latent_curvature)
    depth, display, dip = (effects[:, k : k + 1] for k in range(layout.promotion.start, layout.promotion.stop))
    base = effects[:, : layout.base] @ layout.time.T
    base = base + effects[:, layout.gradual_price : layout.gradual_price + 1] * batch.gradual_price - dip * batch.dip
    shape = (*batch.units.shape, layout.width - layout.base)
    by_base, by_regular, by_promotion = (torch.zeros(shape, dtype=DTYPE) for _ in range(3))
    by_regular[:, :, :ramps] = -(by_latent * value)[:, :, None] * layout.path
    by_regular[:, :, ramps + 1] = -(slope * by_curvature)
    by_base[:, :, ramps] = batch.gradual_price
    by_base[:, :, ramps + 4] = -batch.dip
    by_promotion[:, :, ramps + 2], by_promotion[:, :, ramps + 3] = batch.depth, batch.promotion
    promotion = depth * batch.depth + display * batch.promotion
    return Terms(base, -slope * value, promotion, by_base, by_regular, by_promotion)


def precision_of(weights: Tensor, jacobian: Tensor, layout: Layout) -> Tensor:
    """What the weeks say about the effects: J' W J, (m, d, d), with weights (m, T)."""
    m, base = weights.shape[0], layout.base
    squares = (layout.time[:, :, None] * layout.time[:, None, :]).reshape(layout.time.shape[0], -1)
    weighted = weights[:, :, None] * jacobian
    cross = layout.time.T @ weighted
    precision = weights.new_empty(m, layout.width, layout.width)
    precision[:, :base, :base] = (weights @ squares).reshape(m, base, base)
    precision[:, :base, base:] = cross
    precision[:, base:, :base] = cross.transpose(1, 2)
    precision[:, base:, base:] = jacobian.transpose(1, 2) @ weighted
    return precision


def variance_of(covariance: Tensor, jacobian: Tensor, layout: Layout) -> Tensor:
    """Posterior variance of log expected units, (m, T), from the covariance of the effects, (m, d, d)."""
    base = layout.base
    own = ((layout.time @ covariance[:, :base, :base]) * layout.time).sum(dim=2)
    cross = ((layout.time @ covariance[:, :base, base:]) * jacobian).sum(dim=2)
    price = ((jacobian @ covariance[:, base:, base:]) * jacobian).sum(dim=2)
    return (own + 2 * cross + price).clamp(min=0)
