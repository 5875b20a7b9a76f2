"""How much log units fall when the price rises, freed from what moves price and demand together.

Partially linear model (Robinson 1988, Econometrica 56:931): log(1 + units) = g(features) - slope x
log(price / reference price). What the features and the week explain is taken out of both sides, each row by
a regression that has not seen the row's own stretch of weeks; the slope is the regression of what is left.
A learner that saw price among sixty other columns would shrink its effect, or bend it upwards where high prices
met high season; here demand never rises with price, because nothing but the slope knows the price.
"""

import numpy as np
from numpy.typing import NDArray

from pricewright.backups.inputs import Floats, Inputs

FOLDS = 5  # stretches of consecutive weeks
RIDGE = 1e-3  # penalty as a share of the number of rows: it only keeps collinear features solvable
BOUND = 4.0  # standard deviations beyond which a feature counts as no further away


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
