"""Walks the network through the last weeks: forecast a week, look at what was sold, learn it, go on.

No week is forecast by anything that has seen it or a later one. The weeks already walked calibrate the next
one's mean and interval (conformalised quantiles, Romano, Patterson and Candes 2019).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pricewright.backtest import in_stock
from pricewright.core.decision import interval
from pricewright.core.errors import ModelError
from pricewright.core.forecast import Forecast
from pricewright.network.curves import Curves
from pricewright.network.network import DemandNetwork

Floats = NDArray[np.float64]
COVERAGE = 0.90


@dataclass(frozen=True)
class Calibration:
    """factor: on the mean; margin: added to both ends of the interval, on log(1 + units)."""

    factor: float = 1.0
    margin: float = 0.0

    def applied(self, forecast: Forecast) -> Forecast:
        """The calibrated forecast; the interval never excludes the median."""
        low = np.expm1(np.maximum(np.log1p(forecast.low) - self.margin, 0.0))
        high = np.expm1(np.maximum(np.log1p(forecast.high) + self.margin, 0.0))
        low, high = np.minimum(low, forecast.median), np.maximum(high, forecast.median)
        return replace(forecast, mean=forecast.mean * self.factor, low=low, high=high)


@dataclass(frozen=True)
class Walked:
    """Forecasts of the judged weeks' rows in order of week and SKU, what was sold, and what was learned; SKUs that were
    out of stock have no row in that week.

    week, sku: per row; size: of the negative binomial; calibration: for the week that comes next; spread: the
    factor on the standard deviation with which the negative binomial interval covers as asked; curves: those of the
    walked network, which have seen none of the walked weeks.
    """

    forecast: Forecast
    units: Floats
    week: list[date]
    sku: list[str]
    price: Floats
    calibration: Calibration
    spread: float
    curves: Curves


def walk(
    panel: pl.DataFrame, network: DemandNetwork, weeks: list[date], judged: int, params: Mapping[str, Any]
) -> Walked:
    """Walk a network that was fitted before weeks[0] through `weeks`; the last `judged` of them are returned.

    Raises ModelError when a week has no rows. The network has learned all of `weeks` afterwards.
    """
    raw: list[Forecast] = []
    sizes: list[Floats] = []
    shown: list[Forecast] = []
    sold: list[pl.DataFrame] = []
    calibration = Calibration()
    for week in weeks:
        rows = panel.filter(pl.col("week") == week).sort("stock_code")
        if rows.is_empty():
            raise ModelError(f"the panel has 0 rows in week {week}: every week up to the last one needs some.")
        forecast, size = network.forecast(panel, week)
        known = rows["stock_code"].is_in(in_stock(rows)["stock_code"].implode()).to_numpy()
        raw.append(forecast[known])
        sizes.append(size[known])
        sold.append(rows.filter(pl.Series(known)).select("stock_code", "week", "price", "units"))
        shown.append(calibration.applied(raw[-1]))
        calibration = learn_calibration(raw, [frame["units"].to_numpy() for frame in sold], params)
        network.update(panel.filter(pl.col("week") <= week))
    rows = pl.concat(sold[-judged:])
    units = rows["units"].to_numpy().astype(np.float64)
    forecast = Forecast.concatenate(shown[-judged:])
    spread = learn_spread(forecast.mean, np.concatenate(sizes[-judged:]), units)
    price = rows["price"].to_numpy().astype(np.float64)
    sku, learned = rows["stock_code"].to_list(), network.curves
    return Walked(forecast, units, rows["week"].to_list(), sku, price, calibration, spread, learned)


def learn_calibration(forecasts: list[Forecast], sold: list[Floats], params: Mapping[str, Any]) -> Calibration:
    """From the last `calibration_weeks` walked weeks; the mean's factor goes `calibration_share` of the way."""
    last = int(params["calibration_weeks"])
    known, units = Forecast.concatenate(forecasts[-last:]), np.concatenate(sold[-last:]).astype(np.float64)
    ratio = units.sum() / max(float(known.mean.sum()), 1e-9)
    factor = float(np.clip(ratio, 0.5, 2.0) ** float(params["calibration_share"])) if units.sum() > 0 else 1.0
    outside = np.maximum(np.log1p(known.low) - np.log1p(units), np.log1p(units) - np.log1p(known.high))
    return Calibration(factor, float(np.clip(np.quantile(outside, COVERAGE), -0.5, 0.5)))


def learn_spread(mean: Floats, size: Floats, units: Floats) -> float:
    """The smallest factor on the standard deviation with which 90 % of the rows lie in their interval; bisected."""
    low, high = 0.3, 3.0
    for _ in range(20):
        middle = (low + high) / 2
        _, lowest, highest = interval(mean[:, None], size, middle)
        inside = float(((units >= lowest) & (units <= highest)).mean())
        low, high = (middle, high) if inside < COVERAGE else (low, middle)
    return high
