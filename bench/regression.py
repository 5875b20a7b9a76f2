"""What a spreadsheet can do: a log-log regression per SKU, alone or shrunk towards all the others."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bench.case import Case

Floats = NDArray[np.float64]
WEEKS_PER_YEAR = 365.2425 / 7
LEAST_WEEKS = 20  # fewer say nothing about a price beside a trend and a season
LEAST_SPREAD = 1e-3  # standard deviation of the log price below which a price has not moved


@dataclass(frozen=True)
class Slopes:
    """elasticity and its standard error, (m,) each, in order of the codes; nan where a SKU's price never moved."""

    elasticity: Floats
    error: Floats


def per_sku(case: Case) -> Floats:
    """Prices (n,) by the regression of each SKU alone."""
    return case.best_prices(
        case.elasticity_curve(fit_slopes(case.listed, case.catalog["stock_code"].to_list()).elasticity)
    )


def shrunk(case: Case) -> Floats:
    """Prices (n,) by the regressions shrunk towards each other."""
    slopes = fit_slopes(case.listed, case.catalog["stock_code"].to_list())
    return case.best_prices(case.elasticity_curve(shrink(slopes)))


def fit_slopes(rows: pl.DataFrame, codes: list[str]) -> Slopes:
    """Least squares of log(1 + units) on log price, trend and one pair of yearly waves, SKU by SKU."""
    first = rows["week"].min()
    found = {}
    for (code,), sku in rows.sort("week").group_by("stock_code"):
        week = (sku["week"] - first).dt.total_days().to_numpy() / 7
        found[code] = _slope(np.log(sku["price"].to_numpy()), np.log1p(sku["units"].to_numpy()), week)
    nothing = (np.nan, np.nan)
    return Slopes(*np.array([found.get(code, nothing) for code in codes], dtype=np.float64).reshape(-1, 2).T)


def shrink(slopes: Slopes) -> Floats:
    """Normal-normal empirical Bayes; mean and spread by the moments of DerSimonian and Laird (1986)."""
    known = np.isfinite(slopes.elasticity) & (slopes.error > 0)
    y, variance = slopes.elasticity[known], slopes.error[known] ** 2
    if len(y) < 2:
        return slopes.elasticity
    w = 1 / variance
    mean = (w * y).sum() / w.sum()
    excess = (w * (y - mean) ** 2).sum() - (len(y) - 1)
    task_map = max(0.0, excess / (w.sum() - (w**2).sum() / w.sum()))
    w = 1 / (variance + task_map)
    mean = (w * y).sum() / w.sum()
    result = np.full(len(slopes.elasticity), mean)
    result[known] = (task_map * y + variance * mean) / (task_map + variance)
    return result


def _slope(log_price: Floats, log_units: Floats, week: Floats) -> tuple[float, float]:
    if len(week) < LEAST_WEEKS or log_price.std() < LEAST_SPREAD:
        return np.nan, np.nan
    phase = 2 * np.pi * week / WEEKS_PER_YEAR
    design = np.column_stack([log_price, np.ones_like(week), week / WEEKS_PER_YEAR, np.sin(phase), np.cos(phase)])
    inverse = np.linalg.pinv(design.T @ design)
    weights = inverse @ design.T @ log_units
    rest = log_units - design @ weights
    variance = (rest @ rest) / max(len(week) - design.shape[1], 1)
    return float(weights[0]), float(np.sqrt(variance * inverse[0, 0]))
