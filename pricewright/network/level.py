"""The feedforward part: from the features of a row to the level of its units at the anchor price.

A few members with their own starting weights learn side by side as one batched network; the weeks that all SKUs
share are a random effect with its own prior, so that no member can learn single weeks by heart.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import silu

from pricewright.network.heads import OUTPUTS, SIZE, losses
from pricewright.network.rows import Rows

CLIP = 5.0  # standard deviations; features further out count as that far


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
