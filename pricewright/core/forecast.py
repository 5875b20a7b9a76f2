"""Forecasts of units, one array per measure, and the correction from mean log units back to mean units."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from pricewright.core.errors import ModelError
from pricewright.core.models import SMEAR

Floats = NDArray[np.float64]
LEVELS = 6  # bins of predicted log units with equally many held-out rows
LEAST_ROWS = 50  # per bin: a 5 % quantile of fewer is a guess
FEWEST_ROWS = 3  # in all: fewer have no scatter
NORMAL = 1.645  # 95 % quantile of the standard normal
BISECTIONS = 60


@dataclass(frozen=True)
class Forecast:
    """Predicted weekly units of n rows; every array has shape (n,).

    mean: expected units (bias and prices are judged on it); median (MAE, WAPE); log1p: mean of
    log(1 + units) (RMSLE); low and high: the 5 % and 95 % quantiles.
    """

    mean: Floats
    median: Floats
    log1p: Floats
    low: Floats
    high: Floats

    def __len__(self) -> int:
        return len(self.mean)

    def __getitem__(self, rows: NDArray[np.bool_]) -> "Forecast":
        """The marked rows only."""
        return Forecast(*(getattr(self, field.name)[rows] for field in fields(self)))

    @classmethod
    def concatenate(cls, parts: "list[Forecast]") -> "Forecast":
        """The rows of all parts, one after the other."""
        return cls(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(cls)))


@dataclass(frozen=True)
class Retransformation:
    """What held-out weeks taught about one backup; all arrays have shape (b,), one entry per level.

    smear: factor on exp(log units); level: predicted log units of the bin (its median); shift: mean residual;
    low, median, high: the 5 %, 50 % and 95 % quantiles of the residuals log(1 + units) - predicted.
    """

    smear: float
    level: Floats
    shift: Floats
    low: Floats
    median: Floats
    high: Floats

    def arrays(self, model: str) -> dict[str, Floats]:
        """Plain arrays for a release: `smear_<model>` is a scalar, `residuals_<model>` has shape (5, b)."""
        curves = np.stack([self.level, self.shift, self.low, self.median, self.high])
        return {f"{SMEAR}{model}": np.asarray(self.smear), f"residuals_{model}": curves}

    @classmethod
    def from_arrays(cls, arrays: "Mapping[str, Floats]", model: str) -> "Retransformation":
        """The inverse of `arrays`."""
        return cls(float(arrays[f"{SMEAR}{model}"]), *arrays[f"residuals_{model}"])


def units_from_log(log_units: Floats, smear: float) -> Floats:
    """Expected units, >= 0, any shape: smear x exp(log_units) - 1 cut off at 0. Falls where log units fall."""
    return np.maximum(np.exp(np.asarray(log_units, dtype=np.float64)) * smear - 1.0, 0.0)


def learn_retransformation(log_units: Floats, units: Floats) -> Retransformation:
    """From predicted log units and actual units of held-out rows, shape (n,) each.

    Fewer than LEAST_ROWS rows, as a shop of a few products has, give one wide interval. Raises ModelError when there is
    nothing to learn from: fewer than FEWEST_ROWS rows, or nothing sold.
    """
    if len(log_units) < FEWEST_ROWS or not units.sum() > 0 or not np.isfinite(log_units).all():
        raise ModelError(
            f"{len(log_units)} held-out rows with {np.sum(units):g} units: the way back from log units needs at "
            f"least {FEWEST_ROWS} rows, sales, and finite predictions.",
            hint="give a longer history, in which more products sell.",
        )
    residuals = np.log1p(units) - log_units
    count = max(1, min(LEVELS, len(log_units) // LEAST_ROWS))
    bins = np.array_split(np.argsort(log_units, kind="stable"), count)
    low, median, high = np.stack([_quantiles(residuals[rows]) for rows in bins], axis=1)
    level = np.array([np.median(log_units[rows]) for rows in bins])
    shift = np.array([residuals[rows].mean() for rows in bins])
    return Retransformation(_smear(log_units, units), level, shift, low, median, high)


def _quantiles(residuals: Floats) -> Floats:
    """The 5 %, 50 % and 95 % quantiles; of few rows the outer ones of a normal, widened by what few rows do not know.

    The widening is that of Student's t: its standard deviation, and that of the mean.
    """
    rows = len(residuals)
    if rows >= LEAST_ROWS:
        return np.quantile(residuals, (0.05, 0.5, 0.95))
    width = NORMAL * residuals.std(ddof=1) * np.sqrt((rows - 1) / max(rows - 3, 1) * (1 + 1 / rows))
    middle = float(np.median(residuals))
    return np.array([middle - width, middle, middle + width])


def forecast_from_log(log_units: Floats, learnt: Retransformation) -> Forecast:
    """Mean, median, mean log and 90 % interval of the units of n rows, from their predicted log units (n,)."""

    def moved(curve: Floats) -> Floats:
        return np.maximum(log_units + np.interp(log_units, learnt.level, curve), 0.0)

    low, median, high = (np.expm1(moved(curve)) for curve in (learnt.low, learnt.median, learnt.high))
    return Forecast(units_from_log(log_units, learnt.smear), median, moved(learnt.shift), low, high)


def _smear(log_units: Floats, units: Floats) -> float:
    """The factor with which predicted units add up to the actual ones; bisected, as the cut at 0 bends the sum."""
    low, high = 0.0, float(units.sum() + len(units)) / float(np.exp(log_units).sum()) + 1e-9
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if units_from_log(log_units, middle).sum() < units.sum() else (low, middle)
    return (low + high) / 2
