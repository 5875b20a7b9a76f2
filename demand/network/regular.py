"""Parts a price path into the regular price and the temporary cuts below it.

What is recommended is a regular price, so its effect is learned from regular prices; a cut that comes back brings
stockpilers and visitors, and has an effect of its own.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from demand.network.basis import NORMAL_MAD

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

LEAST_CUT = 0.03  # log price; a smaller step down is a change of the regular price
RETURN_WEEKS = 4  # an unannounced cut is temporary when the price comes back within this time
ANNOUNCED_WEEKS = 8  # an announced promotion that lasts longer has become the regular price
OUTLYING = 4.0  # usual weekly changes of a SKU's price; a smaller step of a price that always moves is no cut
BACK = 2 / 3  # of the least cut; a price this close to the one before the cut has come back
OFTEN = 0.5  # share of a shop's past cuts that came back, from which on a cut of the last weeks is taken for one
ANNOUNCED = 0.5  # share of a week's units on promotion


@dataclass(frozen=True)
class PricePaths:
    """Log prices of n SKUs over T weeks: regular (n, T), and depth (n, T) >= 0 of the temporary cut below it."""

    regular: Floats
    depth: Floats


def part_prices(log_price: Floats, seen: Floats, promotion: Floats) -> PricePaths:
    """Part log prices (n, T); seen: 0 where a SKU was not on sale; promotion: share of units on promotion, 0 to 1.

    A step down is temporary when it is announced, or when the price comes back within RETURN_WEEKS. In the last
    weeks nobody knows yet: there it is temporary where most of the shop's cuts came back.
    """
    log_price = _carried(log_price, seen)
    announced = promotion >= ANNOUNCED
    least = np.maximum(LEAST_CUT, OUTLYING * usual_change(log_price, seen))
    often = _share_that_returns(log_price, announced, least) > OFTEN
    start = _first_regular(log_price, seen, announced)
    regular = np.empty_like(log_price)
    held = np.zeros(len(log_price))
    before = start
    for t in range(log_price.shape[1]):
        temporary = _temporary(log_price, t, before, announced[:, t], held, least, often)
        before = np.where(temporary, before, log_price[:, t])
        held = np.where(temporary, held + 1, 0)
        regular[:, t] = before
    return PricePaths(regular, np.maximum(regular - log_price, 0.0) * (seen > 0))


def usual_change(log_price: Floats, seen: Floats) -> Floats:
    """The usual weekly change of each log price, (n,): 0 where it mostly rests."""
    both = (seen[:, 1:] > 0) & (seen[:, :-1] > 0)
    change = np.where(both, np.abs(np.diff(log_price, axis=1)), np.nan)
    some = both.any(axis=1)
    scale = np.zeros(len(log_price))
    scale[some] = NORMAL_MAD * np.nanmedian(change[some], axis=1)
    return scale


def _temporary(
    log_price: Floats, t: int, before: Floats, announced: Mask, held: Floats, least: Floats, often: bool
) -> Mask:
    cut = log_price[:, t] < before - least
    ahead = log_price[:, t + 1 : t + 1 + RETURN_WEEKS]
    back = (ahead >= (before - BACK * least)[:, None]).any(axis=1) if ahead.size else np.zeros(len(cut), np.bool_)
    if often and ahead.shape[1] < RETURN_WEEKS:
        back |= True
    limit = np.where(announced, ANNOUNCED_WEEKS, RETURN_WEEKS)
    temporary: Mask = cut & (announced | back) & (held < limit)
    return temporary


def _share_that_returns(log_price: Floats, announced: Mask, least: Floats) -> float:
    """Share of the unannounced steps down that came back in time, of those whose time is over."""
    step = np.diff(log_price, axis=1) < -least[:, None]
    step &= ~announced[:, 1:]
    weeks = log_price.shape[1]
    returned = total = 0
    for t in range(1, weeks - RETURN_WEEKS):
        cut = step[:, t - 1]
        back = (
            log_price[cut, t + 1 : t + 1 + RETURN_WEEKS] >= log_price[cut, t - 1 : t] - BACK * least[cut, None]
        ).any(axis=1)
        returned, total = returned + int(back.sum()), total + int(cut.sum())
    return returned / total if total else 0.0


def _first_regular(log_price: Floats, seen: Floats, announced: Mask) -> Floats:
    """The first price that was not announced as a promotion, else the first one."""
    usable = (seen > 0) & ~announced
    first = np.where(usable.any(axis=1), usable.argmax(axis=1), (seen > 0).argmax(axis=1))
    chosen: Floats = log_price[np.arange(len(log_price)), first]
    return chosen


def _carried(log_price: Floats, seen: Floats) -> Floats:
    """Prices of weeks that were not seen: the one before, ahead of the first one the first."""
    weeks = np.arange(log_price.shape[1])
    last = np.maximum.accumulate(np.where(seen > 0, weeks, -1), axis=1)
    first = (seen > 0).argmax(axis=1)
    carried: Floats = np.take_along_axis(log_price, np.where(last >= 0, last, first[:, None]), axis=1)
    return carried
