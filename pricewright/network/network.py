"""The demand network: curves from structural random effects, levels from the feedforward part.

The two are fitted one after the other. Lags carry what last week's price did to last week's units; fed to the
curves they would hide the very effect that is looked for, so the curves see no lag, and the feedforward part
takes the curves as given (modular inference, Bayarri, Berger and Liu 2009).
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray

from pricewright.core.errors import ModelError
from pricewright.core.forecast import Forecast
from pricewright.core.substitution import Posterior
from pricewright.feature.actions import FAMILY_ACTIONS
from pricewright.network.curve_fit import fit_curves
from pricewright.network.curves import Curves, with_strangers
from pricewright.network.effects import log_effect
from pricewright.network.grid import grid_of
from pricewright.network.level import (
    HIGH,
    HISTORY,
    LOG1P,
    LOW,
    MEDIAN,
    SIZE,
    LevelNetwork,
    Rows,
    Trainer,
    log1p_units,
    log_mean,
    rows_of,
)

Floats = NDArray[np.float64]
Progress = Callable[[str, int, int], None]


def no_progress(step: str, done: int, of: int) -> None:
    """Says nothing."""


class DemandNetwork:
    """Fitted on panel rows; `forecast` predicts a week, `update` learns the weeks that came since."""

    def __init__(self, curves: Curves, level: LevelNetwork, trainer: Trainer, features: Sequence[str]) -> None:
        self.curves, self.level, self.trainer, self.features = curves, level, trainer, tuple(features)

    @classmethod
    def fit(
        cls,
        panel: pl.DataFrame,
        features: Sequence[str],
        params: Mapping[str, Any],
        seed: int,
        progress: Progress = no_progress,
        families: Mapping[str, str] | None = None,
    ) -> "DemandNetwork":
        """Fit curves, then levels, on all rows of the panel (stock_code, week, units, price, features).

        families: the family of each SKU; a SKU without one competes with nobody.
        """
        grid = grid_of(panel, int(params["anchor_weeks"]), families)
        curves = fit_curves(grid, params["curves"], lambda done, of: progress("curves", done, of))
        return cls.fit_levels(panel, features, curves, params, seed, progress)

    @classmethod
    def fit_levels(
        cls,
        panel: pl.DataFrame,
        features: Sequence[str],
        curves: Curves,
        params: Mapping[str, Any],
        seed: int,
        progress: Progress = no_progress,
        after: Callable[["DemandNetwork", int], None] = lambda network, epoch: None,
    ) -> "DemandNetwork":
        """Fit the feedforward part alone, on given curves (tuning tries many of them).

        `after(network, epoch)` is called after every pass.
        """
        level_params = params["level"]
        rows = rows_of(panel, features, curves, level_params["base"], float(level_params["effect_cap"]))
        late = rows.week >= min(int(level_params["first_weeks"]), max(int(rows.week.max()) - 8, 0))
        rows = rows[late & rows.seen]
        inputs = _without_common(rows, features, int(level_params["calendar_weeks"]))
        level = LevelNetwork(inputs, int(rows.week.max()) + 100, level_params, seed)
        trainer = Trainer(level, level_params, seed)
        network, epochs = cls(curves, level, trainer, features), int(level_params["epochs"])

        def after_epoch(epoch: int) -> None:
            progress("levels", epoch + 1, epochs)
            after(network, epoch)

        loss = trainer.train(rows, epochs, float(level_params["learning_rate"]), after_epoch)
        if not np.isfinite(loss):
            raise ModelError(
                f"the feedforward part diverged: its loss is {loss}.",
                hint="lower tune.network.space.learning_rate.high, or look for extreme units in the panel.",
            )
        return network

    def update(self, panel: pl.DataFrame) -> None:
        """Learn from the newest weeks of the panel with a few careful passes; the curves stay as they are."""
        params = self.trainer.params
        rows = self.rows(panel)
        recent = (rows.week > rows.week.max() - int(params["update_weeks"])) & rows.seen
        self.trainer.train(rows[recent], int(params["update_epochs"]), float(params["learning_rate"]) / 4)

    def rows(self, panel: pl.DataFrame) -> Rows:
        """The panel as the feedforward part sees it, in order of SKU and week."""
        params = self.trainer.params
        curves = self._covering(panel)
        return rows_of(panel, self.features, curves, params["base"], float(params["effect_cap"]))

    def rows_ahead(self, panel: pl.DataFrame, coming: pl.DataFrame) -> Rows:
        """The rows of the coming week, which follow those of the panel, as the feedforward part sees them."""
        columns = [name for name in panel.columns if name in coming.columns]
        rows = self.rows(pl.concat([panel.select(columns), coming.select(columns)], how="vertical_relaxed"))
        return rows[rows.coming]

    def forecast(self, panel: pl.DataFrame, week: date) -> tuple[Forecast, Floats]:
        """Forecast of the rows of one week in order of SKU, and the size of their negative binomial.

        panel: that week's rows and the weeks before them; no row's own units are looked at.
        """
        rows = self.rows(panel.filter(pl.col("week") <= week))
        rows = rows[rows.week == rows.week.max()]
        return self.forecast_rows(rows)

    def forecast_rows(self, rows: Rows) -> tuple[Forecast, Floats]:
        """Members' predictions averaged: means on units, the other measures on logs."""
        self.level.eval()
        with torch.no_grad():
            outputs = self.level(torch.tensor(rows.inputs))
            start = torch.tensor(rows.effect + rows.base, dtype=torch.float32)
            mean = torch.exp(log_mean(outputs, start)).mean(dim=0)
            log1p, median, low, high = (
                log1p_units(outputs, start, head).mean(dim=0).double().numpy() for head in (LOG1P, MEDIAN, LOW, HIGH)
            )
            size = torch.exp(outputs[..., SIZE].clamp(-4, 4).mean(dim=0))
        low, high = np.minimum(low, median), np.maximum(high, median)
        units = Forecast(mean.double().numpy(), np.expm1(median), log1p, np.expm1(low), np.expm1(high))
        return units, size.double().numpy()

    def levels(self, rows: Rows) -> Floats:
        """Expected units at base prices, all SKUs of a family at theirs; (N,)."""
        self.level.eval()
        with torch.no_grad():
            start = torch.tensor(rows.base, dtype=torch.float32)
            levels: Floats = torch.exp(log_mean(self.level(torch.tensor(rows.inputs)), start)).mean(0).numpy()
        return levels.astype(np.float64)

    def effects(self, rows: Rows, posterior: Posterior, current: Floats) -> NDArray[np.float32]:
        """What the release keeps per SKU for its own curve, (n, 16): the POSTERIOR of export.py and HISTORY.

        rows: one per SKU, in the order of the posterior; current: (n,) prices at which the others of its family stay.
        """
        share, rest = posterior.beside(current)
        keeps = np.column_stack([posterior.keeps[:, 0], np.hypot(posterior.keeps[:, 1], posterior.keeps[:, 2])])
        root = np.linalg.cholesky(posterior.covariance() + 1e-10 * np.eye(2))
        triangle = np.column_stack([root[:, 0, 0], root[:, 1, 0], root[:, 1, 1]])
        history = rows.inputs[:, -len(HISTORY) :]
        return np.column_stack([posterior.curve, triangle, share, rest, keeps, history]).astype(np.float32)

    def posterior(self, codes: Sequence[str], level: Floats) -> Posterior:
        """What is known of some SKUs' demand, given their expected units at base prices (n,)."""
        return self.curves.of(codes).posterior(level)

    def expected_units(
        self, features: NDArray[np.float32], effects: NDArray[np.float32], log_price_ratio: Floats, normal: Floats
    ) -> Floats:
        """Expected units of one SKU at n prices per draw, (n, S): what the released graph computes, in Python.

        features (k,), effects (16,), normal (3, S): standard normals behind the draws.
        """
        inputs = torch.tensor(np.concatenate([features, effects[-len(HISTORY) :]])[None])
        rough = np.log(np.expm1(max(float(features[self.features.index(self.trainer.params["base"])]), 0.0)) + 0.1)
        self.level.eval()
        with torch.no_grad():
            level = torch.exp(log_mean(self.level(inputs), torch.tensor([rough], dtype=torch.float32))).mean()
        mean, (a, b, c) = torch.tensor(effects[:2]).double(), torch.tensor(effects[2:5]).double()
        share, rest, keeps, keeps_sd = torch.tensor(effects[5:9]).double()
        draws = torch.tensor(normal).double()
        slope, curvature = mean[0] + a * draws[0], mean[1] + b * draws[0] + c * draws[1]
        effect = log_effect(torch.tensor(log_price_ratio).double()[:, None], slope, curvature).clamp(-30, 30)
        lost = torch.sigmoid(-(keeps + keeps_sd * draws[2])) * torch.log(share * torch.exp(effect) + rest)
        units: Floats = (torch.exp(effect - lost) * level.double()).numpy()
        return units

    def _covering(self, panel: pl.DataFrame) -> Curves:
        """The curves, with the population's mean curve for SKUs that came after the fit."""
        known = set(self.curves.codes)
        last = panel.sort("week").group_by("stock_code").agg(pl.col("price").median()).sort("stock_code")
        new = last.filter(~pl.col("stock_code").is_in(list(known)))
        if new.is_empty():
            return self.curves
        return with_strangers(
            self.curves, new["stock_code"].to_list(), new["price"].to_numpy(), self._level(panel, new)
        )

    def _level(self, panel: pl.DataFrame, new: pl.DataFrame) -> Floats:
        """Mean log units of the new SKUs."""
        rows = panel.filter(pl.col("stock_code").is_in(new["stock_code"].implode())).sort("stock_code")
        mean = rows.group_by("stock_code", maintain_order=True).agg(
            pl.col("units").cast(pl.Float64).mean().fill_null(0)
        )
        return np.log(mean["units"].to_numpy() + 0.1)


def _without_common(rows: Rows, features: Sequence[str], calendar_weeks: int) -> NDArray[np.float32]:
    """Inputs for centre and scale; a column that is held constant is left out of the network.

    What the others of a family do has its effect in the curves. In a short history each season is seen once: a feature
    that all SKUs share in a week is then a name of that week.
    """
    inputs = rows.inputs.copy()
    inputs[:, [i for i, name in enumerate(features) if name in FAMILY_ACTIONS]] = 0.0
    if len(np.unique(rows.week)) >= calendar_weeks:
        return inputs
    week = rows.week == rows.week.max()
    middle = rows.week == np.sort(np.unique(rows.week))[len(np.unique(rows.week)) // 2]
    common = (inputs[week].std(axis=0) < 1e-6) & (inputs[middle].std(axis=0) < 1e-6)
    common[len(features) :] = False
    inputs[:, common] = 0.0
    return inputs


def network_settings(
    params: Mapping[str, Any], hyperparameters: Mapping[str, Any], fitting: Mapping[str, Any]
) -> dict[str, Any]:
    """`network` of params.yaml with its level completed by tuned hyperparameters and by how it is fitted.

    fitting: members, epochs and what else `train.network` says; a trial of the tuning has its own.
    """
    network = params["network"]
    return {**network, "level": {**network["level"], **hyperparameters, **fitting}}
