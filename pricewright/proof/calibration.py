"""How much of what the curves said of past price changes came true: one slope, with its doubt."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

Floats = NDArray[np.float64]
NORMAL = 1.6449  # standard deviations up to the 95 % point


@dataclass(frozen=True)
class Proof:
    """slope: of realised on predicted log changes, nan when there are too few; slope_sd: its standard error.

    mean, low, high: of the slope given the prior, with its 5 % and 95 % points; changes: how many price changes were
    used; kind: which of them, `regular` or `all`; coverage: share of them inside their 90 % interval.
    """

    slope: float
    slope_sd: float
    mean: float
    low: float
    high: float
    changes: int
    kind: str
    coverage: float

    @property
    def judged(self) -> bool:
        """Whether there were enough price changes."""
        return self.slope == self.slope

    @property
    def trust(self) -> float:
        """The share of a promised gain that is believed: 1 unless the slope is credibly below it."""
        return min(max(self.mean, 0.0), 1.0) if self.judged and self.high < 1 else 1.0

    def as_dict(self) -> dict[str, float | int | str | None]:
        """Plain JSON; None where nothing could be said."""
        numbers = {name: None if value != value else value for name, value in asdict(self).items()}
        return numbers | {"trust": self.trust}


def calibrate(changes: pl.DataFrame, params: Mapping[str, Any]) -> Proof:
    """The slope through the origin, weighted by 1 / variance, and its posterior with the prior N(1, prior_sd^2).

    changes: as price_changes gives them; params: the section `proof` of params.yaml. Regular changes count; where there
    are fewer than `regular_changes`, all do; with fewer than `least_changes` nothing can be said. Shocks that changes
    of one week, or of one SKU, have in common are in the standard error.
    """
    regular = changes.filter(pl.col("kind") == "regular")
    some, kind = (regular, "regular") if regular.height >= int(params["regular_changes"]) else (changes, "all")
    if some.height < int(params["least_changes"]):
        return Proof(np.nan, np.nan, np.nan, np.nan, np.nan, some.height, kind, np.nan)
    x, y, variance = (some[name].to_numpy() for name in ("predicted_log_change", "realised_log_change", "variance"))
    information = max(float((x**2 / variance).sum()), 1e-12)
    slope = float((x * y / variance).sum()) / information
    scores = x * (y - slope * x) / variance
    doubt = _sandwich(scores, some["week"], some["stock_code"]) / information**2
    slope_sd = max(doubt, 1 / information) ** 0.5
    prior = float(params["prior_sd"]) ** -2
    precision = prior + slope_sd**-2
    mean, reach = (prior + slope * slope_sd**-2) / precision, NORMAL * precision**-0.5
    inside = some["realised_log_change"].is_between(some["predicted_low"], some["predicted_high"])
    coverage = float(np.mean(inside.to_numpy()))
    return Proof(slope, slope_sd, mean, mean - reach, mean + reach, some.height, kind, coverage)


def _sandwich(scores: Floats, week: pl.Series, sku: pl.Series) -> float:
    """Variance of the sum of scores that depend within weeks and within SKUs (Cameron, Gelbach and Miller 2011)."""
    by_week, by_sku, single = (_clustered(scores, labels) for labels in (week, sku, np.arange(len(scores))))
    return max(by_week, by_sku, by_week + by_sku - single)


def _clustered(scores: Floats, labels: Any) -> float:
    _, cluster = np.unique(np.asarray(labels), return_inverse=True)
    sums = np.bincount(cluster, scores)
    count = len(sums)
    return float((sums**2).sum()) * count / max(count - 1, 1)
