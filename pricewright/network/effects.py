"""Per-SKU random effects: what each SKU's log units depend on, and how units pull on them.

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

from pricewright.network.basis import creeping, ramps, seasons
from pricewright.network.grid import Grid
from pricewright.network.shape import box_cox, expected_softplus

DTYPE = torch.float64


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
    def creeping(self) -> int:
        """The coefficient of the creeping part of the price."""
        return self.base + self.path.shape[1]

    @property
    def curvature(self) -> int:
        """The curvature of the curve."""
        return self.creeping + 1

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
    creeping: Tensor
    depth: Tensor
    promotion: Tensor
    dip: Tensor
    seen: Tensor
    listed: Tensor

    @classmethod
    def of(cls, grid: Grid, outlying: float, *, control: bool) -> "Batch":
        """Every SKU of the grid; without `control` the creeping part is left out."""
        path = creeping(grid.log_price_ratio, grid.listed, outlying) * float(control)
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
    base = base + effects[:, layout.creeping : layout.creeping + 1] * batch.creeping - dip * batch.dip
    shape = (*batch.units.shape, layout.width - layout.base)
    by_base, by_regular, by_promotion = (torch.zeros(shape, dtype=DTYPE) for _ in range(3))
    by_regular[:, :, :ramps] = -(by_latent * value)[:, :, None] * layout.path
    by_regular[:, :, ramps + 1] = -(slope * by_curvature)
    by_base[:, :, ramps] = batch.creeping
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
