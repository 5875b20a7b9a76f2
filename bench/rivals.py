"""What else a retailer could pick, in the worlds that the product is judged in; `python -m bench.worlds --rivals`.

Each rival reads the same weeks and says which units it expects at any prices; one search, the same for all, takes the
prices inside the guardrail at which these bring the highest sales of each category. PyBLP and EconML are of the extra
`bench` of pyproject.toml.
"""

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bench.regression import fit_slopes, shrink
from pricewright.worlds import World

Floats = NDArray[np.float64]
Demand = Callable[[Floats], Floats]  # relative units (n, K) at prices (n, K)
CANDIDATES, ROUNDS = 41, 3  # prices of an item, and times that each is looked at again
RECENT = 8  # weeks whose mean units stand for the coming week's
MARKET = 1.5  # size of a category's market over its best week: nested logits need to know who did not buy


def shrunk_regressions(world: World) -> Demand:
    """A log-log regression per SKU with trend and season, shrunk towards all others."""
    i, t = np.nonzero(world.in_stock >= 1)
    codes = [code.upper() for code in world.codes]
    columns = {"week": pl.Series(world.weeks).gather(t), "units": world.units[i, t], "price": world.prices[i, t]}
    weeks = pl.DataFrame({"stock_code": np.array(codes)[i], **columns})
    elasticity = shrink(fit_slopes(weeks, codes))
    return constant(world, np.nan_to_num(elasticity))


def family_indices(world: World) -> Demand:
    """A log-log panel with SKU and week effects: own price over the category's index, the index, both promotions."""
    panel = Panel.of(world)
    slopes = panel.regress([panel.relative, panel.index, panel.promotion, panel.promoted])
    base = recent(world)
    share = base / panel.sums(base)[panel.category]

    def units(prices: Floats) -> Floats:
        change = np.log(prices / world.now[:, None])
        index = panel.sums(share[:, None] * change)[panel.category]
        return np.asarray(base[:, None] * np.exp(slopes[0] * (change - index) + slopes[1] * index))

    return units


def nested_logit(world: World) -> Demand:
    """PyBLP (Conlon and Gortmaker 2020): a nested logit per category and week, SKU and week effects absorbed.

    Prices are taken as given; how many others there are, at which prices and promotions, are the instruments of the
    share within the category.
    """
    import pyblp

    pyblp.options.verbose = False
    panel = Panel.of(world)
    best = panel.sums(np.where(panel.seen, world.units, 0.0)).max(axis=1)
    rows = panel.seen & (world.units > 0)
    others = [other for other in panel.others(rows) if np.ptp(other[rows]) > 0]  # a shop may never have a promotion
    i, t = np.nonzero(rows)
    data = {
        "market_ids": panel.category[i] * 10_000 + t,
        "product_ids": i,
        "week": t,
        "firm_ids": i,
        "nesting_ids": np.ones(len(i)),
        "shares": world.units[i, t] / (MARKET * best[panel.category[i]]),
        "prices": np.log(world.prices[i, t]),
        "promotion": world.promotion[i, t].astype(np.float64),
        "demand_instruments0": np.log(world.prices[i, t]),
        **{f"demand_instruments{1 + k}": other[i, t] for k, other in enumerate(others)},
    }
    known = "0 + prices + promotion" if world.promotion[rows].any() else "0 + prices"
    formula = pyblp.Formulation(known, absorb="C(product_ids) + C(week)")
    found = pyblp.Problem(formula, data).solve(rho=0.5, optimization=pyblp.Optimization("return"), method="1s")
    return _nested(world, panel, float(found.beta[0, 0]), float(np.clip(found.rho[0, 0], 0.0, 0.95)), best)


def _nested(world: World, panel: "Panel", slope: float, rho: float, best: Floats) -> Demand:
    base = recent(world)
    total = panel.sums(base)
    inside = np.minimum(total / (MARKET * best), 0.95)[:, None]
    share = base / total[panel.category]

    def units(prices: Floats) -> Floats:
        pull = share[:, None] * np.exp(slope / (1 - rho) * np.log(prices / world.now[:, None]))
        of_all = panel.sums(pull)
        bought = inside * of_all ** (1 - rho)
        of_market = bought / (1 - inside + bought) * total[:, None] / inside
        return np.asarray(pull * (of_market / of_all)[panel.category])

    return units


def double_learning(world: World) -> Demand:
    """EconML's LinearDML of the own log price: SKU and season, level and promotion taken out by LightGBM."""
    from econml.dml import LinearDML
    from lightgbm import LGBMRegressor

    def learner() -> LGBMRegressor:
        return LGBMRegressor(n_estimators=100, min_child_samples=50, subsample=0.8, random_state=1, verbose=-1)

    panel = Panel.of(world)
    i, t = np.nonzero(panel.seen)
    before = panel.level_before[i, t]
    year = 2 * np.pi * t / 52.18
    usual = np.log(np.nanmedian(np.where(panel.seen, world.prices, np.nan), axis=1))
    about = np.column_stack([np.log(recent(world)), usual])
    about = (about - about.mean(axis=0)) / about.std(axis=0)
    controls = np.column_stack([before, np.sin(year), np.cos(year), t, world.promotion[i, t], panel.category[i]])
    estimator = LinearDML(model_y=learner(), model_t=learner(), random_state=1)
    price = np.log(world.prices[i, t]) - usual[i]
    estimator.fit(np.log1p(world.units[i, t]), price, X=about[i], W=controls.astype(np.float64))
    return constant(world, estimator.const_marginal_effect(about).reshape(-1))


def rivals() -> dict[str, Callable[[World], Demand]]:
    """All that are installed, by name."""
    found: dict[str, Callable[[World], Demand]] = {
        "shrunk regressions": shrunk_regressions,
        "log-log with family indices": family_indices,
    }
    extra = {"pyblp": ("PyBLP nested logit", nested_logit), "econml": ("EconML LinearDML", double_learning)}
    return found | dict(rival for package, rival in extra.items() if find_spec(package))


def constant(world: World, elasticity: Floats) -> Demand:
    """Independent items of constant elasticity (n,)."""
    base = recent(world)
    return lambda prices: base[:, None] * (prices / world.now[:, None]) ** elasticity[:, None]


def recent(world: World) -> Floats:
    """Mean units of the last weeks in which an item could be had, (n,)."""
    seen = world.in_stock[:, -RECENT:] >= 1
    return np.maximum((world.units[:, -RECENT:] * seen).sum(axis=1) / np.maximum(seen.sum(axis=1), 1), 0.1)


class Panel(NamedTuple):
    """The weeks of n items; category: (n,); all others (n, T). seen: in stock all week; level_before: log units of the
    weeks before; relative, index: log price over the category's mean, and that mean; promoted: the mean promotion."""

    category: NDArray[np.int64]
    seen: NDArray[np.bool_]
    log_units: Floats
    level_before: Floats
    relative: Floats
    index: Floats
    promotion: Floats
    promoted: Floats

    @classmethod
    def of(cls, world: World) -> "Panel":
        """From what the world shows."""
        category = np.unique(world.categories, return_inverse=True)[1]
        seen = world.in_stock >= 1
        weight = np.where(seen, world.units.sum(axis=1, keepdims=True), 0.0)
        level = np.log1p(np.where(seen, world.units, np.nan))
        frame = pl.DataFrame(level.T).with_columns(pl.all().fill_nan(None))
        before = frame.select(pl.all().rolling_mean(RECENT, min_samples=1).shift(1).forward_fill().backward_fill())
        log_price, promotion = np.log(world.prices), world.promotion.astype(np.float64)

        def mean(values: Floats) -> Floats:
            over = [np.zeros((category.max() + 1, values.shape[1])) for _ in range(2)]
            np.add.at(over[0], category, weight * values)
            np.add.at(over[1], category, weight)
            return np.asarray((over[0] / np.maximum(over[1], 1e-9))[category])

        index = mean(log_price)
        return cls(category, seen, level, before.to_numpy().T, log_price - index, index, promotion, mean(promotion))

    def sums(self, values: Floats) -> Floats:
        """Sums over each category, (n, ...) to (c, ...)."""
        total = np.zeros((self.category.max() + 1, *values.shape[1:]))
        np.add.at(total, self.category, values)
        return total

    def others(self, rows: NDArray[np.bool_]) -> tuple[Floats, ...]:
        """Of the other items of the category that week: their number, mean log price and mean promotion."""
        here = rows.astype(np.float64)
        count = self.sums(here)[self.category] - here
        means = [
            (self.sums(here * values)[self.category] - here * values) / np.maximum(count, 1.0)
            for values in (self.relative + self.index, self.promotion)
        ]
        return (count, *means)

    def regress(self, columns: Sequence[Floats]) -> Floats:
        """Slopes of log units on the columns, item and week effects swept out (alternating projections)."""
        values = np.stack([self.log_units, *columns])
        values = np.where(self.seen, values, 0.0)
        count = [np.maximum(self.seen.sum(axis=axis, keepdims=True), 1) for axis in (1, 0)]
        for _ in range(50):
            for axis in (1, 0):
                values -= np.where(self.seen, values.sum(axis=axis + 1, keepdims=True) / count[1 - axis][None], 0.0)
        y, *x = values[:, self.seen]
        return np.asarray(np.linalg.lstsq(np.column_stack(x), y, rcond=None)[0])


def search(world: World, demand: Demand) -> tuple[Floats, float]:
    """The prices (n,) with the highest sales that `demand` expects, and the uplift that it expects of them.

    Item by item of every category, in rounds.
    """
    category = np.unique(world.categories, return_inverse=True)[1]
    order = np.argsort(category, kind="stable")
    position = np.empty(len(category), dtype=np.int64)
    position[order] = np.arange(len(category)) - np.searchsorted(category[order], category[order])
    steps = np.linspace(0.0, 1.0, CANDIDATES)
    choices = np.column_stack([world.low[:, None] + (world.high - world.low)[:, None] * steps, world.now])
    sales_of = np.zeros((category.max() + 1, CANDIDATES + 1))
    prices = world.now.copy()
    for _ in range(ROUNDS):
        for p in range(int(position.max()) + 1):
            here = position == p
            tried = np.where(here[:, None], choices, prices[:, None])
            sales_of[:] = 0.0
            np.add.at(sales_of, category, tried * demand(tried))
            best = sales_of.argmax(axis=1)[category]
            prices = np.where(here, choices[np.arange(len(prices)), best], prices)
    before, after = (float((p * demand(p[:, None])[:, 0]).sum()) for p in (world.now, prices))
    return prices, after / before - 1
