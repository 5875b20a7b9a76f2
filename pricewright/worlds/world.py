"""A simulated shop whose demand is known: what it sold week by week, and what it would sell at any prices.

simulate_world draws one from the priors of its kind; the same parameters give the same world.
"""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pricewright.worlds.curves import Curves, Offer, draw_curves, sell
from pricewright.worlds.kinds import Kind, kind_named
from pricewright.worlds.lines import Channel, draw_second_channel
from pricewright.worlds.shop import Paths, draw_prices, draw_state, paid, stock_shelf

Floats = NDArray[np.float64]
WIDEN, FACTOR = 0.10, 2.0  # guardrail: the observed range widened by a share, at most halved or doubled
NUDGE = 0.01  # elasticities are taken between one per cent below and above a price


class Truth(NamedTuple):
    """What nobody sees. usual: (n,) prices; base: (n, T) units at usual prices; offer: T weeks; afterwards: (n, T) what
    stockpiled units leave of a week's demand; coming: (n,) base of week T + 1; size: (n,) of the negative binomial;
    takings: (n,) sales of the coming week over regular price x units, 1 unless another channel has other prices."""

    curves: Curves
    usual: Floats
    base: Floats
    offer: Offer
    afterwards: Floats
    coming: Floats
    size: Floats
    takings: Floats


@dataclass(frozen=True)
class World:
    """n items over T weeks; the coming week is the one after the last.

    prices: (n, T) at the till; regular: (n, T); promotion: (n, T) bool; in_stock: (n, T) share of the week, 0 before
    an item is listed; units: (n, T) of all channels; now: (n,) the regular prices of the last week; low, high: (n,)
    the guardrail; elasticity: (n,) own, true, in the coming week at now, negative; second: the other channel.
    """

    kind: str
    seed: int
    codes: tuple[str, ...]
    descriptions: tuple[str, ...]
    categories: tuple[str, ...]
    weeks: tuple[date, ...]
    prices: Floats
    regular: Floats
    promotion: NDArray[np.bool_]
    in_stock: Floats
    units: Floats
    now: Floats
    low: Floats
    high: Floats
    unit_cost: Floats
    elasticity: Floats
    second: Channel
    truth: Truth

    @property
    def family(self) -> NDArray[np.int64]:
        """(n,): the number of an item's family; its items take sales from each other, and from no one else."""
        return self.truth.curves.family

    def expected_units(self, prices: Floats) -> Floats:
        """True expected units of the coming week, (n,), at these regular prices (n,) and nothing on promotion.

        Also (n, K) at K sets of prices (n, K).
        """
        sets = np.asarray(prices, dtype=np.float64).reshape(len(self.now), -1)
        return sell_coming(self.truth, self.truth.curves, sets).reshape(np.shape(prices))

    def sales(self, prices: Floats) -> Floats:
        """True expected sales of the coming week by item, in the shape of prices: (n,) or (n, K)."""
        takings = self.truth.takings.reshape(-1, *(1,) * (np.ndim(prices) - 1))
        sales: Floats = prices * takings * self.expected_units(prices)
        return sales

    def expected_sales(self, prices: Floats) -> float:
        """True expected sales of the coming week at these regular prices (n,)."""
        return float(self.sales(prices).sum())

    def transactions(self, params: Mapping[str, Any]) -> pl.DataFrame:
        """Sales lines, messy as real ones: the UCI columns, then Category, Promotion, Channel and InStock."""
        from pricewright.worlds.lines import ring_up_world

        return ring_up_world(self, params)


def sell_coming(truth: Truth, curves: Curves, prices: Floats) -> Floats:
    """Expected units of the coming week, (..., n, K), by these curves at K sets of regular prices (n, K)."""
    none = np.zeros_like(prices)
    ratio = np.log(prices / truth.usual[:, None])
    path = np.ones((len(curves.starts), 1))
    return sell(curves, truth.coming[:, None], Offer(ratio, none, none, none + 1, path))


def simulate_world(params: Mapping[str, Any]) -> World:
    """The world of params: kind, seed, skus, weeks, first_week (a Monday), units_per_week (the median item's)."""
    name, n, weeks = str(params["kind"]), int(params["skus"]), int(params["weeks"])
    kind = kind_named(name)
    rng = np.random.default_rng([int(params["seed"]), zlib.crc32(name.encode())])
    assortment = stock_shelf(rng, kind, n)
    state = draw_state(rng, kind, assortment, float(params["units_per_week"]), weeks + 1)
    paths = draw_prices(rng, kind, assortment, state.wave[:, :weeks])
    curves = draw_curves(rng, kind, assortment.family, assortment.usual)
    in_stock = _stock(rng, kind, n, weeks)
    rival = np.column_stack([paths.rival, paths.rival[:, -1]])
    base = state.base * np.exp(
        rng.uniform(*kind.rival_effect, assortment.category[-1] + 1)[assortment.category, None] * rival
    )
    offer = _offer(paths, assortment.usual, in_stock, _drift_path(rng, len(curves.starts), weeks))
    mean = sell(curves, base[:, :weeks], offer)
    afterwards = _afterwards(curves, base[:, :weeks], offer, mean, kind.stockpiled)
    size = np.exp(rng.normal(np.log(6.0), 0.4, n))
    units = _sold(rng, mean * afterwards, size)
    second = draw_second_channel(rng, kind, assortment, units)
    truth = Truth(curves, assortment.usual, base[:, :weeks], offer, afterwards, base[:, weeks], size, second.takings)
    first, prices, now = date.fromisoformat(str(params["first_week"])), paid(paths), paths.regular[:, -1]
    low, high = _guardrail(prices, paths.regular, in_stock, now)
    return World(
        kind=name,
        seed=int(params["seed"]),
        codes=assortment.codes,
        descriptions=assortment.descriptions,
        categories=assortment.categories,
        weeks=tuple(first + timedelta(weeks=i) for i in range(weeks)),
        prices=prices,
        regular=paths.regular,
        promotion=paths.depth > 0,
        in_stock=in_stock,
        units=units,
        now=now,
        low=low,
        high=high,
        unit_cost=np.round(assortment.usual * rng.uniform(0.35, 0.6, n), 2),
        elasticity=_own_elasticity(truth, now),
        second=second,
        truth=truth,
    )


def relive(world: World, seed: int) -> World:
    """The same world with other luck: units are drawn again around the same means."""
    rng, truth = np.random.default_rng([world.seed, seed]), world.truth
    units = _sold(rng, sell(truth.curves, truth.base, truth.offer) * truth.afterwards, truth.size)
    share = world.second.units / np.maximum(world.units, 1)
    return replace(world, units=units, second=world.second._replace(units=np.round(units * share)))


def _sold(rng: np.random.Generator, mean: Floats, size: Floats) -> Floats:
    """Negative binomial units, (n, T), around a mean (n, T); size (n,): variance = mean + mean^2 / size."""
    return rng.poisson(mean * rng.gamma(size[:, None], 1 / size[:, None], mean.shape)).astype(np.float64)


def _stock(rng: np.random.Generator, kind: Kind, n: int, weeks: int) -> Floats:
    """Share of each week in which an item can be bought: 0 before it is listed, less than 1 when it runs out."""
    oldest = (max(1, weeks // 3), weeks) if kind.ages is None else kind.ages
    age = np.where(rng.random(n) < kind.entering, rng.integers(oldest[0], oldest[1] + 1, n), weeks)
    stock = np.ones((n, weeks))
    begins = rng.random((n, weeks)) < kind.stockouts
    lasting, left = rng.integers(1, 5, (n, weeks)), rng.random((n, weeks))
    for item, week in zip(*np.nonzero(begins), strict=True):
        stock[item, week] = left[item, week]  # it runs out in the middle of the first week
        stock[item, week + 1 : week + lasting[item, week]] = 0.0
    return stock * (np.arange(weeks) >= (weeks - age)[:, None])


def _drift_path(rng: np.random.Generator, families: int, weeks: int) -> Floats:
    """How far each family's elasticities have drifted, (F, weeks), 0 to 1: half creep, half break in one week."""
    week = np.arange(weeks)
    breaks = rng.integers(weeks // 3, max(weeks // 3 + 1, weeks * 4 // 5), (families, 1))
    creeps = rng.random((families, 1)) < 0.5
    return np.where(creeps, week / weeks, week >= breaks)


def _offer(paths: Paths, usual: Floats, in_stock: Floats, path: Floats) -> Offer:
    """The weeks of the history as the curves see them."""
    ratio = np.log(paths.regular / usual[:, None])
    return Offer(ratio, -np.log1p(-paths.depth), paths.display, in_stock, path)


def _afterwards(curves: Curves, base: Floats, offer: Offer, mean: Floats, shares: tuple[float, ...]) -> Floats:
    """What promotions leave of the demand of the next weeks, (n, T): shoppers have bought ahead."""
    none = np.zeros_like(mean)
    extra = np.maximum(mean - sell(curves, base, Offer(offer.log_ratio, none, none, offer.offered, offer.path)), 0)
    borrowed = np.zeros_like(mean)
    for ahead, share in enumerate(shares, start=1):
        borrowed[:, ahead:] += share * extra[:, :-ahead]
    left: Floats = np.maximum(1 - borrowed / np.maximum(mean, 1e-9), 0.15)
    return left


def _guardrail(prices: Floats, regular: Floats, in_stock: Floats, now: Floats) -> tuple[Floats, Floats]:
    """(n,) each: the range of regular and promotion prices, widened, within a factor of the present price."""
    seen = in_stock > 0
    low = np.where(seen, np.minimum(prices, regular), np.inf).min(axis=1)
    high = np.where(seen, np.maximum(prices, regular), 0.0).max(axis=1)
    low, high = np.minimum(low, now) * (1 - WIDEN), np.maximum(high, now) * (1 + WIDEN)
    return np.maximum(low, now / FACTOR), np.minimum(high, now * FACTOR)


def _own_elasticity(truth: Truth, now: Floats) -> Floats:
    """(n,): d log units / d log price of each item's own price alone."""
    family, up, down = truth.curves.family, 1 + NUDGE, 1 - NUDGE
    position = np.arange(len(family)) - np.searchsorted(family, family)
    elasticity = np.zeros(len(family))
    for p in range(int(position.max()) + 1):  # one item of every family at a time
        chosen = position == p
        sides = now[:, None] * np.where(chosen[:, None], [up, down], 1.0)
        units = sell_coming(truth, truth.curves, sides)[chosen]
        elasticity[chosen] = np.log(units[:, 0] / units[:, 1]) / np.log(up / down)
    return elasticity
