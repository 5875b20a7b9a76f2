"""Finds the price changes of some weeks, and for each the weeks before and after it that can be compared."""

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from pricewright.core.price_features import SAME_PRICE
from pricewright.network.basis import usual_change
from pricewright.network.grid import Grid
from pricewright.network.regular import OUTLYING

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
SPAN = 4  # weeks before a change, and from it on, that are compared at most


@dataclass(frozen=True)
class Change:
    """SKU number, week number of the new price, and the numbers of the weeks compared: the old and the new price stood.

    regular: the regular price changed, not only the depth of a temporary cut.
    """

    sku: int
    week: int
    before: tuple[int, ...]
    after: tuple[int, ...]
    regular: bool


def log_prices(grid: Grid) -> Floats:
    """Log of the prices asked for over the anchors, temporary cuts included, (n, T)."""
    return grid.log_price_ratio - grid.depth


def least_steps(grid: Grid) -> Floats:
    """The smallest step of each log price that counts as a change, (n,).

    Of a price that moves nearly every week, as paid averages do, only steps that stand out were decisions.
    """
    return np.maximum(SAME_PRICE, OUTLYING * usual_change(log_prices(grid), grid.listed))


def last_weeks(grid: Grid, start: int) -> Grid:
    """The grid from week number `start` on."""
    tables = {field.name: getattr(grid, field.name) for field in fields(grid)}
    late = {name: table[:, start:] for name, table in tables.items() if np.shape(table) == grid.units.shape}
    return replace(grid, weeks=grid.weeks[start:], **late)


def find_changes(grid: Grid, least: Floats, first: int) -> list[Change]:
    """Changes from week number `first` on of SKUs that sold in that week and in the one before.

    A sale is asked for on both sides alike: where a price is known from sales only, a change is seen when one is made.
    """
    log_price = log_prices(grid)
    sold = (grid.units > 0) & (grid.seen > 0)
    step = np.abs(np.diff(log_price, axis=1)) > least[:, None]
    steps = np.abs(np.diff(grid.log_price_ratio, axis=1)) > least[:, None]
    changes = []
    for week in range(max(first, 1), log_price.shape[1]):
        for sku in np.flatnonzero(step[:, week - 1] & sold[:, week - 1] & sold[:, week]).tolist():
            same = np.abs(log_price[sku] - log_price[sku, week - 1]) <= least[sku]
            before = _standing(same, grid.seen[sku] > 0, range(week - 1, max(week - 1 - SPAN, -1), -1))
            same = np.abs(log_price[sku] - log_price[sku, week]) <= least[sku]
            after = _standing(same, grid.seen[sku] > 0, range(week, min(week + SPAN, len(same))))
            changes.append(Change(sku, week, tuple(sorted(before)), after, bool(steps[sku, week - 1])))
    return changes


def unchanged(grid: Grid, least: Floats, before: tuple[int, ...], after: tuple[int, ...]) -> Mask:
    """SKUs in stock in all of these weeks whose price did not move from the first of them to the last, (n,)."""
    weeks = list(before + after)
    price = log_prices(grid)[:, min(weeks) : max(weeks) + 1]
    still: Mask = (np.ptp(price, axis=1) <= least) & (grid.seen[:, weeks] > 0).all(axis=1)
    return still


def _standing(same: Mask, seen: Mask, weeks: range) -> tuple[int, ...]:
    """The weeks, in the order given, up to the first with another price; those out of stock are left out."""
    standing = []
    for week in weeks:
        if not same[week]:
            break
        if seen[week]:
            standing.append(week)
    return tuple(standing)
