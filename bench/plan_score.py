"""What a price list is worth in a world whose demand is known, and how far its promises hold there."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pricewright.worlds import World
from pricewright.worlds.attainable import attainable_prices, oracle_prices, prior_prices
from pricewright.worlds.world import relive

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
WORSE = 0.01  # a SKU is made worse when its family's sales fall by more than this share
HISTORIES = 3  # with different luck in a world's units: what is attainable is their mean, which depends less on luck
LEAST = 0.1  # of the oracle's gain; where less is attainable, no share of it is shown
SMALL = 0.005  # a move of the oracle that is smaller counts as none
MOVED = 1e-6  # a smaller relative change of price counts as none
STATED = (0.5, 0.7, 0.8, 0.9, 1.0)  # bins of stated probabilities


class Yardsticks(NamedTuple):
    """Uplifts of a week's true expected sales over keeping every price: what can be had, and two blind rules.

    prior: of an agent that knows as much as the attainable one's, but has seen no sale.
    raised: share of the oracle's moves that raise a price.
    """

    oracle: float
    attainable: float
    prior: float
    lowest: float
    highest: float
    raised: float


class Bin(NamedTuple):
    """Moves whose stated probability lies in (low, high]: how many, the mean stated, the share that truly gains."""

    low: float
    high: float
    moves: int
    stated: float
    gained: float


class Outcome(NamedTuple):
    """Uplift that a choice of prices promised, and what they truly bring."""

    promised: float
    realised: float


@dataclass(frozen=True)
class PlanScore:
    """Uplifts and shares: 0.05 is 5 %. What the price list does not say is None; so is a share of nothing.

    realised: uplift of all items' true expected sales. captured: of what is attainable. kept: realised over promised.
    priced: share of the items with a row; misread: of those, rows whose current price is off by more than one per cent.
    worse: SKUs whose family loses more than 1 %. plan_held: whether the plan's 90 % interval holds what is realised.
    elasticity_covered, sales_covered: share of the 90 % intervals (of moved SKUs' own sales) that hold the truth.
    """

    kind: str
    seed: int
    yardsticks: Yardsticks
    promised: float
    realised: float
    captured: float | None
    kept: float | None
    priced: float
    misread: float
    moved: float
    raised: float | None
    worse: float
    reliability: tuple[Bin, ...]
    plan_held: bool | None
    elasticity_covered: float | None
    sales_covered: float | None


def measure(world: World) -> Yardsticks:
    """The yardsticks of a world; they depend on no price list."""
    oracle = oracle_prices(world)
    histories = [world, *(relive(world, seed) for seed in range(1, HISTORIES))]
    moved = np.abs(oracle / world.now - 1) > SMALL
    return Yardsticks(
        oracle=uplift(world, oracle),
        attainable=float(np.mean([uplift(world, attainable_prices(other)) for other in histories])),
        prior=uplift(world, prior_prices(world)),
        lowest=uplift(world, world.low),
        highest=uplift(world, world.high),
        raised=float((oracle > world.now)[moved].mean()),
    )


def uplift(world: World, prices: Floats) -> float:
    """Of true expected sales at these prices (n,), over keeping every price."""
    return world.expected_sales(prices) / world.expected_sales(world.now) - 1


def score_plan(
    world: World, price_list: pl.DataFrame, yardsticks: Yardsticks, plan: Mapping[str, Any] | None = None
) -> PlanScore:
    """Score a price list: stock_code, current_price, optimal_price, expected_sales, current_expected_sales.

    Optional: uplift_probability, elasticity_low and _high, promised_low and _high (uplift of the SKU's own sales).
    plan: uplift, uplift_low and uplift_high of all SKUs together. A kept price stays at the world's regular price;
    SKUs without a row keep theirs too. The uplift that is held against a promise is that of the SKUs with a row.
    """
    rows = in_order(world, price_list)
    listed = rows["optimal_price"].is_not_null().to_numpy()
    prices, moved = chosen_prices(world, rows)
    before, after = world.sales(world.now), world.sales(prices)
    realised = float(after.sum() / before.sum() - 1)
    promised = float(
        np.nansum(_numbers(rows, "expected_sales")) / np.nansum(_numbers(rows, "current_expected_sales")) - 1
    )
    of_listed = float((after.sum() - before.sum()) / max(before[listed].sum(), 1e-9))
    sums = world.truth.curves.sums
    worse = (sums(after[:, None]) < (1 - WORSE) * sums(before[:, None]))[world.family, 0]
    off = np.abs(_numbers(rows, "current_price") / world.now - 1)[listed] > 0.01
    return PlanScore(
        kind=world.kind,
        seed=world.seed,
        yardsticks=yardsticks,
        promised=promised,
        realised=realised,
        captured=realised / attainable if (attainable := yardsticks.attainable) > LEAST * yardsticks.oracle else None,
        kept=of_listed / promised if promised > 0.001 else None,
        priced=float(listed.mean()),
        misread=float(off.mean()),
        moved=float(moved.mean()),
        raised=float((prices > world.now)[moved].mean()) if moved.any() else None,
        worse=float(worse.mean()),
        reliability=_reliability(rows, moved, moves_that_gain(world, prices, moved)),
        plan_held=None if not plan else bool(plan["uplift_low"] <= of_listed <= plan["uplift_high"]),
        elasticity_covered=_covered(rows, "elasticity", world.elasticity, listed),
        sales_covered=_covered(rows, "promised", after / before - 1, moved),
    )


def in_order(world: World, price_list: pl.DataFrame) -> pl.DataFrame:
    """The price list with one row per item of the world, in its order; nulls where it has no row."""
    codes = pl.DataFrame({"stock_code": [code.upper() for code in world.codes]})
    return codes.join(price_list, on="stock_code", how="left", maintain_order="left")


def chosen_prices(world: World, rows: pl.DataFrame) -> tuple[Floats, Flags]:
    """The prices (n,) that a shop sets which follows the list, and which of them move."""
    current, optimal = _numbers(rows, "current_price"), _numbers(rows, "optimal_price")
    moved: Flags = np.abs(np.nan_to_num(optimal / current, nan=1.0) - 1) > MOVED
    return np.where(moved, optimal, world.now), moved


def moves_that_gain(world: World, prices: Floats, moved: Flags) -> Flags:
    """(n,): whether a move truly raises the sales of its family, with the other items where the plan has them."""
    family, sums = world.family, world.truth.curves.sums
    position = np.arange(len(family)) - np.searchsorted(family, family)
    planned = sums(world.sales(prices[:, None]))
    gains = np.zeros(len(family), dtype=bool)
    for p in range(int(position.max()) + 1):  # one item of every family at a time
        without = np.where(position == p, world.now, prices)
        gains |= (position == p) & (planned > sums(world.sales(without[:, None])))[family, 0]
    return gains & moved


def _reliability(rows: pl.DataFrame, moved: Flags, gains: Flags) -> tuple[Bin, ...]:
    stated = _numbers(rows, "uplift_probability")
    bins = []
    for low, high in pairwise(STATED):
        inside = moved & (stated > low) & (stated <= high)
        if inside.any():
            bins.append(Bin(low, high, int(inside.sum()), float(stated[inside].mean()), float(gains[inside].mean())))
    return tuple(bins)


def _covered(rows: pl.DataFrame, name: str, truth: Floats, judged: Flags) -> float | None:
    """Share of the intervals of the judged rows that hold the truth; None without intervals."""
    low, high = _numbers(rows, f"{name}_low"), _numbers(rows, f"{name}_high")
    stated = judged & np.isfinite(low) & np.isfinite(high)
    return float(((low <= truth) & (truth <= high))[stated].mean()) if stated.any() else None


def _numbers(rows: pl.DataFrame, name: str) -> Floats:
    """A column as numbers, (n,); nan where there is none."""
    if name not in rows.columns:
        return np.full(len(rows), np.nan)
    return rows[name].cast(pl.Float64).fill_null(float("nan")).to_numpy()
