"""The feedforward part: from the features of a row to the level of its units at the base price.

A few members with their own starting weights learn side by side as one batched network; the weeks that all SKUs
share are a random effect with its own prior, so that no member can learn single weeks by heart.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import silu, softplus

from pricewright.core.price_features import SAME_PRICE
from pricewright.network.curves import Curves
from pricewright.network.families import log_sums
from pricewright.network.grid import Grid, grid_of

MEAN, SIZE, LOG1P, MEDIAN, LOW, HIGH = range(6)
OUTPUTS = 6
QUANTILES = {MEDIAN: 0.5, LOW: 0.05, HIGH: 0.95}
Floats = NDArray[np.float64]
EFFECT_LAGS = 4
CHANGE_WEEKS = 8
RECENT_WEEKS = 4  # of the fitted weeks say how a family's units are shared in the weeks after them
HISTORY = (*(f"log_effect_lag_{k}" for k in range(1, EFFECT_LAGS + 1)), "change_lag_1", "change_share", "change")
CLIP = 5.0  # standard deviations; features further out count as that far


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


@dataclass(frozen=True)
class Rows:
    """N rows in order of SKU and week: inputs (N, k + h), log price effect, base level, units and week number, (N,).

    coming: weeks whose units nobody knows; seen: the SKU was in stock.
    """

    inputs: NDArray[np.float32]
    effect: Floats
    base: Floats
    units: Floats
    week: NDArray[np.int64]
    coming: NDArray[np.bool_]
    seen: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.effect)

    def __getitem__(self, rows: NDArray[np.bool_]) -> "Rows":
        """The marked rows only."""
        return Rows(*(getattr(self, field.name)[rows] for field in fields(self)))


def mean_log_effect(curves: Curves, grid: Grid, cap: float) -> Floats:
    """What prices and promotions of all SKUs do to the log units of each, along the mean curves; (n, T).

    The SKUs of the grid are those of the curves, in their order. Prices further than `cap` (log ratio) from the base
    price count as that far: such weekly prices are mixtures of sales channels rather than prices anybody set.
    """
    x = np.clip(grid.log_price_ratio, -cap, cap)
    slope, curvature = curves.slope[:, None], np.logaddexp(0.0, curves.mean[:, 1, None])
    cx = curvature * x
    near = np.abs(cx) < 1e-3
    regular = -slope * x * np.where(near, 1 + cx / 2, np.expm1(cx) / np.where(near, 1.0, cx))
    depth, display, dip = (curves.promotion[:, k, None] for k in range(3))
    promotion = depth * np.minimum(grid.depth, cap) + display * grid.promotion
    base, own, cut, listed = map(torch.tensor, (_known_base(curves, grid), regular, promotion, grid.listed))
    shift = log_sums(base, own, cut, listed, torch.tensor(curves.family), torch.tensor(curves.coefficients)).shift
    effect: Floats = regular + promotion + shift.numpy() - dip * grid.dip
    return effect * grid.listed


def _known_base(curves: Curves, grid: Grid) -> Floats:
    """Log units at base prices in the weeks of the grid, (n, T): as fitted, of later weeks as in the last ones."""
    column = {week: t for t, week in enumerate(curves.weeks)}
    recent = curves.log_base[:, -RECENT_WEEKS:].mean(axis=1)
    known = [curves.log_base[:, column[week]] if week in column else recent for week in grid.weeks]
    return np.stack(known, axis=1)


def rows_of(panel: pl.DataFrame, features: Sequence[str], curves: Curves, base: str, cap: float) -> Rows:
    """The rows of the SKUs that have a curve; rows without units are weeks to come.

    panel: stock_code, week, units, price and the features, in any order, and list_price, promotion and in_stock where
    they are known; base: the feature that holds a rough log level, from which the network departs.
    """
    panel = panel.filter(pl.col("stock_code").is_in(list(curves.codes))).sort("stock_code", "week")
    chosen = curves.of(panel["stock_code"].unique().to_list())
    grid = grid_of(panel, 1, chosen.families, dict(zip(chosen.codes, chosen.base_price, strict=True)))
    chosen = chosen.of(grid.codes)
    sku = panel["stock_code"].replace_strict(grid.index, return_dtype=pl.Int64).to_numpy()
    week = panel["week"].rank("dense").to_numpy().astype(np.int64) - 1
    effect = mean_log_effect(chosen, grid, cap)[sku, week]
    log_price = grid.log_price_ratio[sku, week] - grid.depth[sku, week]
    history = _history(sku, log_price, effect, panel["units"].is_null().to_numpy())
    inputs = np.column_stack([panel.select(features).to_numpy(), history]).astype(np.float32)
    return Rows(
        inputs=inputs,
        effect=effect,
        base=np.log(np.expm1(np.maximum(panel[base].to_numpy().astype(np.float64), 0.0)) + 0.1),
        units=panel["units"].fill_null(0).to_numpy().astype(np.float64),
        week=week,
        coming=panel["units"].is_null().to_numpy(),
        seen=grid.seen[sku, week] > 0,
    )


def _history(sku: NDArray[np.int64], log_price: Floats, effect: Floats, coming: NDArray[np.bool_]) -> Floats:
    """The columns HISTORY, (N, h). A recorded change of price is a sign of a sale, since only sold weeks have a
    price of their own; it is kept as a nuisance beside the curve. Of a week to come its usual share is expected.
    """
    first = np.r_[True, sku[1:] != sku[:-1]]
    start = np.maximum.accumulate(np.where(first, np.arange(len(sku)), 0))
    before = [np.maximum(np.arange(len(sku)) - k, start) for k in range(1, CHANGE_WEEKS + 1)]
    change = (np.abs(log_price - log_price[before[0]]) > SAME_PRICE).astype(np.float64)
    share = np.mean([change[index] for index in before], axis=0)
    lags = [effect[index] for index in before[:EFFECT_LAGS]]
    return np.column_stack([*lags, change[before[0]], share, np.where(coming, share, change)])


class LevelNetwork(nn.Module):
    """E members of k -> hidden -> hidden (residual) -> 6 outputs, with a linear way past the hidden layers."""

    centre: Tensor
    scale: Tensor

    def __init__(self, inputs: NDArray[np.float32], weeks: int, params: Mapping[str, Any], seed: int) -> None:
        """inputs: (N, k), read for centre and scale; a column without spread is left out of the network."""
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        k, hidden, members = inputs.shape[1], int(params["hidden"]), int(params["members"])

        def weights(rows: int, columns: int, scale: float = 1.0) -> nn.Parameter:
            return nn.Parameter(torch.randn(members, rows, columns, generator=generator) * scale / math.sqrt(rows))

        deviation = inputs.std(axis=0, dtype=np.float64)
        scale = np.where(deviation > 1e-6, 1 / np.maximum(deviation, 1e-6), 0.0)
        self.register_buffer("centre", torch.tensor(inputs.mean(axis=0, dtype=np.float64), dtype=torch.float32))
        self.register_buffer("scale", torch.tensor(scale, dtype=torch.float32))
        self.first, self.first_bias = weights(k, hidden), nn.Parameter(torch.zeros(members, 1, hidden))
        self.second, self.second_bias = weights(hidden, hidden), nn.Parameter(torch.zeros(members, 1, hidden))
        self.last, self.last_bias = weights(hidden, OUTPUTS, 0.1), nn.Parameter(torch.zeros(members, 1, OUTPUTS))
        self.past = weights(k, OUTPUTS, 0.01)
        self.week = nn.Parameter(torch.zeros(weeks, OUTPUTS))
        self.share = float(params["dropout"])
        self.generator = generator

    def forward(self, inputs: Tensor) -> Tensor:
        """(N, k) -> (E, N, 6), without the weeks' own effects, which nobody knows in advance."""
        x = ((inputs - self.centre) * self.scale).clamp(-CLIP, CLIP).unsqueeze(0)
        hidden = self._dropped(silu(x @ self.first + self.first_bias))
        hidden = self._dropped(hidden + silu(hidden @ self.second + self.second_bias))
        return hidden @ self.last + self.last_bias + x @ self.past

    def _dropped(self, hidden: Tensor) -> Tensor:
        """Dropout with a generator of our own: torch's is shared by all trials that run side by side."""
        if not self.training or self.share == 0:
            return hidden
        kept = torch.rand(hidden.shape, generator=self.generator) >= self.share
        return hidden * kept / (1 - self.share)

    def weights(self) -> list[nn.Parameter]:
        """All parameters but the weeks' effects."""
        return [parameter for name, parameter in self.named_parameters() if name != "week"]


class Trainer:
    """Trains a level network on rows by minibatches; newer weeks count more, by a half-life in weeks."""

    def __init__(self, network: LevelNetwork, params: Mapping[str, Any], seed: int) -> None:
        self.network, self.params = network, params
        self.generator = torch.Generator().manual_seed(seed)
        self.loss_weights = torch.tensor([float(params["likelihood_weight"]), 1.0, 1.0, 1.0, 1.0])[:, None, None]

    def train(
        self, rows: Rows, epochs: int, learning_rate: float, after: Callable[[int], None] = lambda epoch: None
    ) -> float:
        """`epochs` passes over the rows with one cycle of the learning rate; the mean loss of the last pass.

        `after(epoch)` is called after every pass.
        """
        data = [torch.tensor(a, dtype=torch.float32) for a in (rows.inputs, rows.effect + rows.base, rows.units)]
        week = torch.tensor(rows.week)
        weight = 0.5 ** ((week.max() - week) / float(self.params["half_life_weeks"]))
        size = int(self.params["batch_rows"])
        optimiser = self._optimiser(learning_rate)
        steps = epochs * math.ceil(len(rows) / size)
        rates = [learning_rate, 5 * learning_rate]
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rates, total_steps=max(steps, 2), pct_start=0.2)
        total = 0.0
        for epoch in range(epochs):
            self.network.train()
            total = 0.0
            for index in torch.split(torch.randperm(len(rows), generator=self.generator), size):
                batch = [table[index] for table in data]
                loss = self._loss(batch, week[index], weight[index], len(rows))
                optimiser.zero_grad()
                torch.autograd.backward(loss)
                nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
                optimiser.step()
                schedule.step()
                total += float(loss.detach()) * len(index) / len(rows)
            after(epoch)
        return total

    def _loss(self, batch: list[Tensor], week: Tensor, weight: Tensor, count: int) -> Tensor:
        inputs, start, units = batch
        shared = self.network.week[week].clone()
        shared[:, SIZE] = 0.0
        parts = losses(self.network(inputs) + shared, start, units)
        prior = (self.network.week**2).sum() * float(self.params["week_precision"]) / count
        return (parts * self.loss_weights * weight).mean(dim=2).sum() + prior

    def _optimiser(self, learning_rate: float) -> torch.optim.Optimizer:
        decay = float(self.params["weight_decay"])
        groups = [
            {"params": self.network.weights(), "weight_decay": decay, "lr": learning_rate},
            {"params": [self.network.week], "weight_decay": 0.0, "lr": 5 * learning_rate},
        ]
        return torch.optim.AdamW(groups)
