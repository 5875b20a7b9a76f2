"""What the curves said of price changes that they had not seen, and what happened: differences in differences.

The curves say by how much a change moves log units. What happened is the change of a SKU's log mean units, less that
of the shop's SKUs whose prices stood: season, trend and the shop's weeks drop out (Ashenfelter and Card 1985).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import groupby
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pricewright.core.price_features import SAME_PRICE
from pricewright.network.curves import Curves
from pricewright.network.grid import Grid, grid_of
from pricewright.network.level import mean_log_effect
from pricewright.network.regular import NORMAL_MAD, OUTLYING, usual_change

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
SPAN = 4  # weeks before a change, and from it on, that are compared at most
SCHEMA = {
    "stock_code": pl.String, "week": pl.Date, "price_before": pl.Float64, "price_after": pl.Float64,
    "predicted_log_change": pl.Float64, "realised_log_change": pl.Float64, "predicted_low": pl.Float64,
    "predicted_high": pl.Float64, "kind": pl.String, "variance": pl.Float64, "unchanged_skus": pl.Int64,
}  # fmt: skip
LEAST_UNITS = 10.0  # in the weeks before and after together; the logarithm of fewer says little, and that is biased
LEAST_UNCHANGED = 5  # SKUs whose prices stood; with fewer of them nothing is taken off
NORMAL = 1.6449  # standard deviations on either side of 90 %
LEVEL_VARIANCE = 0.05  # of what a level does by itself within weeks, in a shop too small to show it
POOLED = 10.0  # unchanged SKUs that the spread of all weeks counts for beside that of the same weeks


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
    """Log of the prices asked for over the base prices, temporary cuts included, (n, T)."""
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


def ever_moved(panel: pl.DataFrame) -> int:
    """How many SKUs' prices moved at least once, of those that the panel has.

    Of a price that moves nearly every week only steps that stand out count: see least_steps of pricewright/proof.
    """
    price = pl.col("list_price" if "list_price" in panel.columns else "price")
    by_time = panel.with_columns(at=pl.col("week").rank("dense").cast(pl.Int64)).sort("stock_code", "at")
    step = price.cast(pl.Float64).log().diff().abs().over("stock_code")
    next_to = (pl.col("at").diff() == 1).over("stock_code")
    steps = by_time.select("stock_code", step=step, next_to=next_to).filter("next_to")
    usual = NORMAL_MAD * pl.col("step").median().over("stock_code")
    moved = steps.filter(pl.col("step") > pl.max_horizontal(pl.lit(SAME_PRICE), OUTLYING * usual))
    return moved["stock_code"].n_unique()


def price_changes(panel: pl.DataFrame, curves: Curves, params: Mapping[str, Any], cap: float) -> pl.DataFrame:
    """Every price change after the weeks that the curves were fitted on; as in SCHEMA, in order of week and SKU.

    panel: stock_code, week, units, price, and list_price, promotion and in_stock where they are known; params: the
    section `proof` of params.yaml; cap: that of mean_log_effect. Log changes are of mean units, against the SKUs whose
    prices stood; 90 % of the realised ones should lie in their interval. variance is that of realised about predicted.
    """
    known = panel.filter(pl.col("stock_code").is_in(list(curves.codes)))
    chosen = curves.of(known["stock_code"].unique().sort().to_list())
    grid = grid_of(known, 1, chosen.families, dict(zip(chosen.codes, chosen.base_price, strict=True)))
    chosen, least = chosen.of(grid.codes), least_steps(grid)
    fitted = sum(week <= curves.weeks[-1] for week in grid.weeks)  # type: ignore[operator]
    start = max(fitted - SPAN, 0)
    grid = last_weeks(grid, start)
    changes = find_changes(grid, least, fitted - start)
    effect = mean_log_effect(chosen, grid, cap)
    spans = _spans(grid, chosen, least, effect, changes)
    pooled = _pooled_spread([span.spread for span in spans])
    measured = [found for span in spans for found in _measured(span, pooled, float(chosen.summary["week_sd"]))]
    doubts = _posterior_variance(chosen, grid, cap, [one.change for one in measured], params)
    rows = [_row(grid, one, doubt) for one, doubt in zip(measured, doubts, strict=True)]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row").sort("week", "stock_code")


@dataclass(frozen=True)
class _Spread:
    """How far levels of k SKUs move by themselves beyond the noise of sales: excess over weight is its variance.

    The moments of DerSimonian and Laird (1986).
    """

    excess: float
    weight: float
    skus: int

    def variance(self, pooled: float) -> float:
        """The variance, shrunk towards the shop's."""
        own = max(self.excess / self.weight, 0.0) if self.weight > 0 else 0.0
        return (self.skus * own + POOLED * pooled) / (self.skus + POOLED)


@dataclass(frozen=True)
class _Span:
    """The changes with the same weeks before and after. Of all SKUs, (n,): log change of mean units, what the curves
    said of it, the variance that the noise of sales gives it, units enough; still: those whose prices stood.
    """

    changes: Sequence[Change]
    realised: Floats
    predicted: Floats
    noise: Floats
    enough: Mask
    still: Mask

    @property
    def spread(self) -> _Spread:
        """Of the unchanged SKUs' log changes around what the curves said of them."""
        weight = 1 / self.noise[self.still]
        if len(weight) < LEAST_UNCHANGED:
            return _Spread(0.0, 0.0, 0)
        away = (self.realised - self.predicted)[self.still]
        away = away - np.average(away, weights=weight)
        excess = float((weight * away**2).sum()) - (len(weight) - 1)
        return _Spread(excess, float(weight.sum() - (weight**2).sum() / weight.sum()), len(weight))


@dataclass(frozen=True)
class _Measured:
    """A change, its log changes against this many unchanged SKUs, and the variance of the realised one."""

    change: Change
    realised: float
    predicted: float
    variance: float
    unchanged: int


def _spans(grid: Grid, curves: Curves, least: Floats, effect: Floats, changes: Sequence[Change]) -> list[_Span]:
    def weeks(change: Change) -> tuple[tuple[int, ...], tuple[int, ...]]:
        return change.before, change.after

    size = np.exp(curves.log_size)
    spans = []
    for (before, after), some in groupby(sorted(changes, key=weeks), key=weeks):
        early, late = (grid.units[:, list(part)].sum(axis=1) for part in (before, after))
        realised = np.log((late + 0.5) / len(after)) - np.log((early + 0.5) / len(before))
        predicted = effect[:, list(after)].mean(axis=1) - effect[:, list(before)].mean(axis=1)
        level = (early + late + 1) / (len(before) + len(after))  # of both, so that a lucky week gets no more weight
        noise = (1 / level + 1 / size) * (1 / len(before) + 1 / len(after))
        enough = early + late >= LEAST_UNITS
        still = unchanged(grid, least, before, after) & enough
        spans.append(_Span(list(some), realised, predicted, noise, enough, still))
    return spans


def _pooled_spread(spreads: Sequence[_Spread]) -> float:
    weight = sum(spread.weight for spread in spreads)
    return max(sum(spread.excess for spread in spreads) / weight, 0.0) if weight > 0 else LEVEL_VARIANCE


def _measured(span: _Span, pooled: float, week_sd: float) -> Iterator[_Measured]:
    """The changes of SKUs that sold enough, against the unchanged SKUs where there are some."""
    skus = int(span.still.sum())
    level = span.spread.variance(pooled)
    if skus >= LEAST_UNCHANGED:
        weight = 1 / (span.noise[span.still] + level)
        usual, expected = (float(np.average(x[span.still], weights=weight)) for x in (span.realised, span.predicted))
        unsure = 1 / float(weight.sum())
    else:
        first = span.changes[0]
        usual = expected = 0.0
        unsure = week_sd**2 * (1 / len(first.before) + 1 / len(first.after))
    for change in span.changes:
        if span.enough[change.sku]:
            realised, predicted = (float(x[change.sku]) for x in (span.realised, span.predicted))
            variance = float(span.noise[change.sku]) + level + unsure
            yield _Measured(change, realised - usual, predicted - expected, variance, skus)


def _posterior_variance(
    curves: Curves, grid: Grid, cap: float, changes: Sequence[Change], params: Mapping[str, Any]
) -> Floats:
    """Of what the curves say of each change, (c,), over draws of them."""
    rng = np.random.default_rng(int(params["seed"]))
    effects = np.zeros((int(params["draws"]), len(changes)))
    for row in effects if changes else ():
        effect = mean_log_effect(_drawn(curves, rng), grid, cap)
        row[:] = [
            effect[change.sku, change.after].mean() - effect[change.sku, change.before].mean() for change in changes
        ]
    variance: Floats = effects.var(axis=0, ddof=1)
    return variance


def _drawn(curves: Curves, rng: np.random.Generator) -> Curves:
    """One draw of the curves. A cut's effect, whose own spread the curves do not keep, is as unsure as the slope."""
    root = np.linalg.cholesky(curves.own_covariance + 1e-10 * np.eye(2))
    own = np.einsum("nab,nb->na", root, rng.standard_normal(curves.mean.shape))
    mean = curves.mean + own + curves.loading @ rng.standard_normal(curves.loading.shape[2])
    ratio = np.logaddexp(0.0, mean[:, :1]) / np.logaddexp(0.0, curves.mean[:, :1])
    normal = rng.standard_normal(len(curves.coefficients))
    shift = curves.coefficient_own_sd * normal + curves.coefficient_shared_sd * rng.standard_normal()
    coefficients = curves.coefficients + shift[:, None]
    return replace(curves, mean=mean, promotion=curves.promotion * ratio, coefficients=coefficients)


def _row(grid: Grid, one: _Measured, doubt: float) -> tuple[Any, ...]:
    change, variance = one.change, one.variance + doubt
    price = grid.base_price[change.sku] * np.exp(log_prices(grid)[change.sku])
    reach = NORMAL * variance**0.5
    return (
        grid.codes[change.sku], grid.weeks[change.week], float(price[change.week - 1]), float(price[change.week]),
        one.predicted, one.realised, one.predicted - reach, one.predicted + reach,
        "regular" if change.regular else "temporary", variance, one.unchanged,
    )  # fmt: skip
