"""Functions of time that carry what moves demand beside the price, and the part of a price that follows demand."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

WEEKS_PER_YEAR = 365.2425 / 7
NORMAL_MAD = 1.4826  # standard deviation of a normal over its median absolute deviation


def ramps(weeks: int, knot: int) -> Floats:
    """Random walk in steps of `knot` weeks: column k climbs from 0 to 1 between two knots; (weeks, K)."""
    knots = np.arange(0, max(weeks - 1, 1), knot)
    return np.clip((np.arange(weeks)[:, None] - knots) / knot, 0.0, 1.0)


def seasons(weeks: int, harmonics: int) -> Floats:
    """Fourier pairs of the year, (weeks, 2 x harmonics)."""
    phase = 2 * np.pi * np.arange(weeks)[:, None] * np.arange(1, harmonics + 1) / WEEKS_PER_YEAR
    return np.stack([np.sin(phase), np.cos(phase)], axis=2).reshape(weeks, -1)


def usual_change(log_price: Floats, seen: Floats) -> Floats:
    """The usual weekly change of each log price, (n,): 0 where it mostly rests."""
    both = (seen[:, 1:] > 0) & (seen[:, :-1] > 0)
    change = np.where(both, np.abs(np.diff(log_price, axis=1)), np.nan)
    some = both.any(axis=1)
    scale = np.zeros(len(log_price))
    scale[some] = NORMAL_MAD * np.nanmedian(change[some], axis=1)
    return scale


def creeping(log_price: Floats, seen: Floats, outlying: float) -> Floats:
    """The creeping part of each SKU's price path, (n, T), with mean 0 over the weeks seen.

    A change that stands out from a SKU's usual weekly change (by `outlying` robust standard deviations) is a
    decision of the shop, as good as an experiment. Small changes week after week may follow demand; their path
    gets a coefficient of its own, so that they cannot pass for the effect of price (a control function,
    Petrin and Train 2010). A SKU whose price mostly rests has no creeping part.
    """
    both = (seen[:, 1:] > 0) & (seen[:, :-1] > 0)
    change = np.where(both, np.diff(log_price, axis=1), 0.0)
    scale = usual_change(log_price, seen)[:, None]
    small = (np.abs(change) <= outlying * scale) & (scale > 1e-6)
    path = np.concatenate([np.zeros((len(change), 1)), np.cumsum(change * small, axis=1)], axis=1)
    mean = (path * seen).sum(axis=1, keepdims=True) / np.maximum(seen.sum(axis=1, keepdims=True), 1.0)
    centred: Floats = (path - mean) * seen
    return centred
