"""Log units = level(features) - slope x log price ratio: what SVR and Elastic Net have in common.

The level is learnt on log units freed from the price effect, so that it holds for a SKU at its
reference price. Demand cannot rise with price: the level does not see it and the slope is never below 0.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pricewright.backups.inputs import INPUT, OUTPUT, Floats, Inputs, Singles, model_bytes

FOLDS = 5  # stretches of consecutive weeks
RIDGE = 1e-3  # penalty as a share of the number of rows: it only keeps collinear features solvable
BOUND = 4.0  # standard deviations beyond which a feature counts as no further away
STANDARDISED, LEVEL = "standardised", "level"


def standardise(features: NDArray[np.float32], mean: Floats, scale: Floats) -> Floats:
    """Features in standard deviations from their mean, cut at BOUND, (n, k) float64.

    Sales have long tails: without the cut a best seller lies far from every row that a model has seen.
    """
    return np.clip((features - mean) / scale, -BOUND, BOUND)


def moments(features: NDArray[np.float32]) -> tuple[Floats, Floats]:
    """Mean and standard deviation of each feature, (k,) each; 1 for a feature that never varies."""
    mean = features.mean(axis=0, dtype=np.float64)
    scale = features.std(axis=0, dtype=np.float64)
    return mean, np.where(scale > 1e-6 * np.maximum(np.abs(mean), 1.0), scale, 1.0)


def price_slope(inputs: Inputs) -> float:
    """The slope, >= 0: what log units lose when the log price rises by 1. 0 where prices hardly ever moved."""
    z = standardise(inputs.features, *moments(inputs.features))
    both = np.stack([inputs.log_units, inputs.log_price_ratio], axis=1)
    left = _cross_fitted_residuals(z, both, time_folds(inputs.week))
    left = _without_week_means(left, inputs.week)
    units, ratio = left.T
    moved = float(ratio @ ratio)
    return max(0.0, -float(ratio @ units) / moved) if moved > 1e-9 * len(inputs) else 0.0


def time_folds(week: NDArray[np.int64]) -> NDArray[np.int64]:
    """The fold (0 to FOLDS - 1) of each row: consecutive weeks share a fold, folds have about equal weeks."""
    weeks, position = np.unique(week, return_inverse=True)
    return position * min(FOLDS, len(weeks)) // len(weeks)


def _cross_fitted_residuals(z: Floats, targets: Floats, folds: NDArray[np.int64]) -> Floats:
    """targets (n, 2) less what a ridge regression on z, fitted to the other folds, expects of them."""
    z = np.column_stack([z, np.ones(len(z))])
    gram = {fold: z[folds == fold].T @ z[folds == fold] for fold in np.unique(folds)}
    moment = {fold: z[folds == fold].T @ targets[folds == fold] for fold in gram}
    penalty = RIDGE * len(z) * np.eye(z.shape[1])
    residuals = np.empty_like(targets)
    for fold in gram:
        others = [other for other in gram if other != fold or len(gram) == 1]
        weights = np.linalg.solve(sum(gram[o] for o in others) + penalty, sum(moment[o] for o in others))
        residuals[folds == fold] = targets[folds == fold] - z[folds == fold] @ weights
    return residuals


def _without_week_means(values: Floats, week: NDArray[np.int64]) -> Floats:
    """values (n, 2) less the mean of their week: what lifts a whole week is no effect of one SKU's price."""
    _, position, count = np.unique(week, return_inverse=True, return_counts=True)
    means = np.stack([np.bincount(position, column) / count for column in values.T], axis=1)
    return values - means[position]


class Level(Protocol):
    """A regression of log units on standardised features."""

    def predict(self, standardised: Floats) -> Floats:
        """Log units at the reference price, (n,), from features (n, k) in standard deviations."""

    def nodes(self) -> tuple[list[Any], dict[str, NDArray[Any]]]:
        """The same as ONNX nodes from STANDARDISED (n, k) to LEVEL (n, 1), with their constants."""


@dataclass(frozen=True)
class PartiallyLinear:
    """A fitted level and slope; mean and scale (k,) standardise the features."""

    name: str
    mean: Floats
    scale: Floats
    level: Level
    slope: float

    def predict_log(self, features: Singles, price: Singles) -> Floats:
        """Log units of n rows; features (n, k), price (n, 3) as in PRICE_FEATURES."""
        level = self.level.predict(standardise(features, self.mean, self.scale))
        return level - self.slope * price[:, 0].astype(np.float64)

    def to_onnx(self) -> bytes:
        """The same as an ONNX graph, see inputs.py."""
        from onnx import helper

        k = len(self.mean)
        level_nodes, level_constants = self.level.nodes()
        constants: Mapping[str, NDArray[Any]] = {
            "features_end": np.array([k], np.int64),
            "ratio_end": np.array([k + 1], np.int64),
            "first": np.array([0], np.int64),
            "columns": np.array([1], np.int64),
            "mean": self.mean.astype(np.float32),
            "scale": self.scale.astype(np.float32),
            "lowest": np.array(-BOUND, np.float32),
            "highest": np.array(BOUND, np.float32),
            "slope": np.array(self.slope, np.float32),
            **level_constants,
        }
        nodes = [
            helper.make_node("Slice", [INPUT, "first", "features_end", "columns"], ["features"]),
            helper.make_node("Slice", [INPUT, "features_end", "ratio_end", "columns"], ["log_price_ratio"]),
            helper.make_node("Sub", ["features", "mean"], ["centred"]),
            helper.make_node("Div", ["centred", "scale"], ["scaled"]),
            helper.make_node("Clip", ["scaled", "lowest", "highest"], [STANDARDISED]),
            *level_nodes,
            helper.make_node("Mul", ["log_price_ratio", "slope"], ["fall"]),
            helper.make_node("Sub", [LEVEL, "fall"], [OUTPUT]),
        ]
        return model_bytes(nodes, constants, k + 3, self.name)


def fit_partially_linear(name: str, inputs: Inputs, fit_level: Callable[[Floats, Floats], Level]) -> PartiallyLinear:
    """Slope first, then the level; `fit_level` gets standardised features (n, k) and price-free log units (n,)."""
    slope = price_slope(inputs)
    mean, scale = moments(inputs.features)
    price_free = inputs.log_units + slope * inputs.log_price_ratio
    return PartiallyLinear(name, mean, scale, fit_level(standardise(inputs.features, mean, scale), price_free), slope)
