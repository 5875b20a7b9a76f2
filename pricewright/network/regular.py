"""Splits a price path into the regular price and temporary cuts below it.

What is recommended is a regular price, so its effect is learned from regular prices; a cut that comes back brings
stockpilers and visitors, and has an effect of its own.
"""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

WEEKS_PER_YEAR = 365.2425 / 7
NORMAL_MAD = 1.4826  # standard deviation of a normal over its median absolute deviation
Mask = NDArray[np.bool_]
SIDE = 13  # weeks up to a week, and from it on, that say what its usual price is: seven of them may be cuts
USUAL = 0.6  # quantile of these prices: above the middle, since cuts of every other week are cuts all the same
LEAST_CUT = 0.03  # log price; a smaller step down is a change of the regular price
OUTLYING = 4.0  # usual weekly changes of a SKU's price; a smaller step of a price that always moves is not a cut
OFTEN = 0.5  # share of a shop's unannounced cuts that came back, from which on a cut of the last weeks is taken for one
UNSETTLED = 4  # weeks at the end in which nobody knows yet whether a cut comes back
ANNOUNCED = 0.5  # share of a week's units on promotion
SELDOM = 0.4  # different prices a week, from which on a price creeps
TINY = 1e-6  # log price; smaller differences are rounding
FEW = 3  # weeks without a promotion that are needed to know the usual price from them


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


def gradual_price(log_price: Floats, seen: Floats, outlying: float) -> Floats:
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


@dataclass(frozen=True)
class PricePaths:
    """Log prices of n SKUs over T weeks: regular (n, T), and depth (n, T) >= 0 of the temporary cut below it."""

    regular: Floats
    depth: Floats


def part_prices(log_price: Floats, seen: Floats, promotion: Floats) -> PricePaths:
    """Part log prices (n, T); seen: 0 where a SKU was not on sale; promotion: share of units on promotion, 0 to 1.

    The usual price of a week is a quantile of the prices around it, of those without a promotion where there are some:
    of the weeks before and of the weeks after, whichever is lower, so that a price that stays low is not a cut. A price
    below it is a cut. In the last weeks those after are not known: there a cut has to be announced, or to be of a shop
    most of whose cuts came back.
    """
    log_price = _carried(log_price, seen)
    announced = promotion >= ANNOUNCED
    known = np.where(seen > 0, log_price, np.nan)
    before, after = (_usual_price(known, announced, ahead=ahead) for ahead in (False, True))
    usual = np.minimum(before, after)
    usual_step = np.where(_creeps(log_price), usual_change(log_price, seen), 0.0)
    least = np.maximum(LEAST_CUT, OUTLYING * usual_step)[:, None]
    cut = log_price < usual - least
    unsettled = np.arange(log_price.shape[1]) >= log_price.shape[1] - UNSETTLED
    often = _share_that_returns(log_price, cut & ~announced, least) > OFTEN
    late = unsettled & (announced | often) & (log_price < before - least) & _just_fallen(log_price, before - least)
    regular = np.where(late, before, np.where(cut, usual, log_price))
    depth = np.where((cut | late) & (seen > 0), regular - log_price, 0.0)
    return PricePaths(regular, depth)


def _just_fallen(log_price: Floats, least: Floats) -> Mask:
    """Whether a price was at its usual level within the last UNSETTLED weeks, (n, T)."""
    high = log_price >= least
    fallen = np.zeros_like(high)
    for back in range(1, UNSETTLED + 1):
        fallen[:, back:] |= high[:, :-back]
    return fallen


def _creeps(log_price: Floats) -> Mask:
    """Whether a price is seldom asked twice, (n,); one that goes to and fro between a few prices does not creep."""
    steps = np.diff(np.sort(log_price, axis=1), axis=1) > TINY
    creeps: Mask = steps.sum(axis=1) > SELDOM * log_price.shape[1]
    return creeps


def _usual_price(log_price: Floats, announced: Mask, *, ahead: bool) -> Floats:
    """The usual log price of SIDE weeks up to each week, or from it on, (n, T); nan where a SKU was not on sale."""
    unpromoted = np.where(announced, np.nan, log_price)
    usual = np.empty_like(log_price)
    with warnings.catch_warnings(action="ignore"):  # of windows in which nothing is known
        for t in range(log_price.shape[1]):
            window = slice(t, t + SIDE) if ahead else slice(max(t - SIDE + 1, 0), t + 1)
            known = (~np.isnan(unpromoted[:, window])).sum(axis=1) >= FEW
            of_both = [np.nanquantile(p[:, window], USUAL, axis=1, method="higher") for p in (unpromoted, log_price)]
            usual[:, t] = np.where(known, *of_both)
    unknown: Floats = np.where(np.isnan(usual), _carried(log_price, ~np.isnan(log_price)), usual)
    return unknown


def _share_that_returns(log_price: Floats, cut: Mask, least: Floats) -> float:
    """Share of the steps down that were cuts: the price came back soon after. Steps of the last weeks are left out."""
    step = log_price[:, 1:-UNSETTLED] < log_price[:, : -UNSETTLED - 1] - least
    returned = step & cut[:, 1:-UNSETTLED]
    return float(returned.sum() / step.sum()) if step.any() else 0.0


def _carried(log_price: Floats, seen: NDArray[Any]) -> Floats:
    """Prices of weeks that were not seen: the one before, ahead of the first one the first."""
    weeks = np.arange(log_price.shape[1])
    last = np.maximum.accumulate(np.where(seen > 0, weeks, -1), axis=1)
    first = (seen > 0).argmax(axis=1)
    carried: Floats = np.take_along_axis(log_price, np.where(last >= 0, last, first[:, None]), axis=1)
    return carried
