"""The plan: prices of all products together, family by family, and what they promise. Numpy only.

Prices are chosen on one set of posterior draws and promised on another, so that luck in the draws is not promised
(the optimiser's curse: Smith and Winkler 2006). A family is first moved as a whole, then product by product, with
the others where the plan has them; whatever does not gain with the asked probability stays.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pricewright.core.decision import NUDGE, SHARES, Terms, label_prices
from pricewright.core.substitution import LEAST, Demand, Draws, Posterior

Floats = NDArray[np.float64]
ROUNDS = 6  # of coordinate ascent over a family
FACTORS = np.exp(np.linspace(-0.3, 0.3, 13))  # common moves of a family that are tried
TINY = 1e-6  # share of sales; a smaller gain counts as none
CAUTION = 0.5  # of a move's mean gain, this many of its standard deviations are left out when moves are compared
NEGLIGIBLE = 1e-9


class Product(NamedTuple):
    """What may be asked for a product: the current price, its guardrail, candidates (c,) inside it, and its unit cost.

    cost is 0 where sales are the objective. kept: the price where no move pays, or the product is fixed: the current
    one, or the hard limit that it is beyond. net: what tax leaves of a price, as a share; costs are without tax.
    """

    current: float
    low: float
    high: float
    candidates: Floats
    cost: float
    fixed: bool
    kept: float
    net: float = 1.0


def offer(
    current: float, low: float, high: float, terms: Terms, cost: float, *, fixed: bool, kept: float | None = None,
    net: float = 1.0,
) -> Product:  # fmt: skip
    """What may be asked for a product within [low, high]; cost is 0 where sales are the objective.

    kept: where it is not the current price; net: see Product.
    """
    candidates = label_prices(low, high, terms, current)
    return Product(current, low, high, candidates, cost, fixed, current if kept is None else kept, net)


@dataclass(frozen=True)
class Plan:
    """current, prices, probability, net: (n,); elasticity: (n, 3); units, units_now: (n, S) on the draws that promise.

    probability: that the move gains, with the other products where the plan has them; nan where a price stays.
    elasticity: own, at the current price with the others at theirs: mean, 5 % and 95 %. net: what tax leaves of prices.
    """

    current: Floats
    prices: Floats
    probability: Floats
    elasticity: Floats
    units: Floats
    units_now: Floats
    net: Floats | float = 1.0

    @property
    def sales(self) -> Floats:
        """Sales of the plan, (n, S), without tax where it is known."""
        return (self.prices * self.net)[:, None] * self.units

    @property
    def sales_now(self) -> Floats:
        """Sales at current prices, (n, S), without tax where it is known."""
        return (self.current * self.net)[:, None] * self.units_now

    def profit(self, unit_cost: Floats) -> tuple[Floats, Floats]:
        """Profit at current prices and of the plan, (n, S) each; unit_cost: (n,) without tax. 0 where it is nan."""
        now, then = (np.nan_to_num(price * self.net - unit_cost) for price in (self.current, self.prices))
        return now[:, None] * self.units_now, then[:, None] * self.units


def make_plan(
    posterior: Posterior, products: Sequence[Product], draws: int, seed: int, minimum_probability: float,
    given: Floats | None = None,
) -> Plan:  # fmt: skip
    """Choose prices for all products; posterior and products are in the same order.

    given: prices (n,) that were chosen already, of which the plan says what they promise.
    """
    chooses, promises = (Draws(draws, posterior.shared.shape[2], seed + k) for k in (0, 1))
    current = np.array([product.current for product in products])
    prices, probability = current.copy(), np.full(len(products), np.nan)
    units, units_now = (np.zeros((len(products), draws)) for _ in range(2))
    elasticity = np.zeros((len(products), 3))
    for members in posterior.families():
        family, offered = posterior[members], [products[i] for i in members]
        demand = promises.of(family)
        if given is None:
            chosen = choose(chooses.of(family), offered, minimum_probability)
            prices[members] = _confirmed(demand, offered, chosen, minimum_probability)
        else:
            prices[members] = given[members]
        units[members], units_now[members] = demand.units(prices[members]), demand.units(current[members])
        probability[members] = _probabilities(demand, offered, prices[members])
        elasticity[members] = [_elasticity(demand, current[members], j) for j in range(len(members))]
    return Plan(current, prices, probability, elasticity, units, units_now, np.array([one.net for one in products]))


def choose(demand: Demand, products: Sequence[Product], minimum_probability: float) -> Floats:
    """The prices (m,) of one family."""
    free = [j for j, product in enumerate(products) if not product.fixed]
    kept = np.array([product.kept for product in products])
    if not free:
        return kept
    start = _moved_together(demand, products, kept, minimum_probability) if len(products) > 1 else kept
    prices = start.copy()
    for _ in range(ROUNDS):
        before = prices.copy()
        for j in free:
            prices[j] = _best(demand, products, prices, j, start[j], minimum_probability)
        if np.array_equal(before, prices):
            break
    return prices


def _best(
    demand: Demand, products: Sequence[Product], prices: Floats, j: int, start: float, minimum_probability: float
) -> float:
    """The candidate of product j that is worth most to the family, of those that probably beat `start`."""
    tried = np.append(products[j].candidates, start)
    values = values_at(demand, products, prices, j, tried)
    gains = values - values[-1]
    worth = worth_of(gains)
    admitted = ((gains > 0).mean(axis=1) >= minimum_probability) & (worth > values[-1].mean() * TINY)
    return float(tried[np.where(admitted, worth, -np.inf).argmax()]) if admitted.any() else start


def worth_of(gains: Floats) -> Floats:
    """What moves are compared by, from their gains per draw (..., S): the mean, less CAUTION standard deviations.

    Far from the prices that were ever asked the curves are least sure, and a mean alone would go there for their sake
    (mean-variance choice: Markowitz 1952).
    """
    worth: Floats = gains.mean(axis=-1) - CAUTION * gains.std(axis=-1)
    return worth


def values_at(demand: Demand, products: Sequence[Product], prices: Floats, j: int, tried: Floats) -> Floats:
    """What the family earns when product j costs each of the tried prices (c,), per draw, (c, S)."""
    pull = demand.level[:, None] * np.exp(demand.attraction(prices))
    margins = margins_of(products, prices)
    others = pull.sum(axis=0) - pull[j]
    earned = margins @ pull - margins[j] * pull[j]
    own = demand.level[j] * np.exp(_alone(demand, j).attraction(tried[None])[0])
    total = np.maximum((others + own) / demand.level.sum(), LEAST)
    margin = tried * products[j].net - products[j].cost
    values: Floats = (earned + margin[:, None] * own) * total ** (demand.keeps - 1)
    return values


def margins_of(products: Sequence[Product], prices: Floats) -> Floats:
    """What is left of prices (m,) after tax and cost, (m,)."""
    net, cost = np.array([(product.net, product.cost) for product in products]).T
    margins: Floats = prices * net - cost
    return margins


def own_units(demand: Demand, prices: Floats, j: int, tried: Floats) -> Floats:
    """Units of product j at each of the tried prices (c,), the others at `prices` (m,), per draw, (c, S)."""
    pull = demand.level[:, None] * np.exp(demand.attraction(prices))
    own = demand.level[j] * np.exp(_alone(demand, j).attraction(tried[None])[0])
    total = np.maximum((pull.sum(axis=0) - pull[j] + own) / demand.level.sum(), LEAST)
    units: Floats = own * total ** (demand.keeps - 1)
    return units


def _elasticity(demand: Demand, current: Floats, j: int) -> tuple[float, float, float]:
    around = current[j] * np.array([1 - NUDGE, 1 + NUDGE])
    low, high = np.log(np.maximum(own_units(demand, current, j, around), LEAST))
    slopes = (high - low) / np.log(around[1] / around[0])
    return float(slopes.mean()), *(float(q) for q in np.quantile(slopes, SHARES))  # type: ignore[return-value]


def _alone(demand: Demand, j: int) -> Demand:
    row = slice(j, j + 1)
    return Demand(demand.level[row], demand.base_price[row], demand.slope[row], demand.curvature[row], demand.keeps)


def _moved_together(demand: Demand, products: Sequence[Product], kept: Floats, minimum_probability: float) -> Floats:
    """The family's prices moved by one factor, where that probably gains; each to a candidate inside its guardrail."""
    now = family_value(demand, products, kept)
    best, highest = kept, float(now.mean()) * TINY
    for factor in FACTORS:
        prices = np.array([_nearest(product, factor) for product in products])
        gains = family_value(demand, products, prices) - now
        if worth_of(gains) > highest and (gains > 0).mean() >= minimum_probability:
            best, highest = prices, float(worth_of(gains))
    return best


def _nearest(product: Product, factor: float) -> float:
    if product.fixed or not len(product.candidates):
        return product.kept
    return float(product.candidates[np.abs(product.candidates - factor * product.current).argmin()])


def family_value(demand: Demand, products: Sequence[Product], prices: Floats) -> Floats:
    """What a family earns at prices (m,), per draw, (S,)."""
    value: Floats = margins_of(products, prices) @ demand.units(prices)
    return value


def _confirmed(demand: Demand, products: Sequence[Product], prices: Floats, minimum_probability: float) -> Floats:
    """The prices, (m,), with the moves taken back that gain too rarely on the draws that promise as well."""
    kept = np.array([product.kept for product in products])
    while True:
        chances = _probabilities(demand, products, prices)
        failed = np.flatnonzero(chances < minimum_probability)
        if not len(failed):
            return prices
        worst = failed[np.argmin(chances[failed])]
        prices = prices.copy()
        prices[worst] = kept[worst]


def _probabilities(demand: Demand, products: Sequence[Product], prices: Floats) -> Floats:
    """That each move gains against the price that is kept, the others where the plan has them, (m,); nan: it stays."""
    found = np.full(len(prices), np.nan)
    for j, product in enumerate(products):
        if abs(prices[j] - product.kept) > 1e-9:
            value = values_at(demand, products, prices, j, np.array([prices[j], product.kept]))
            found[j] = (value[0] > value[1]).mean()
    return found


class Alone(NamedTuple):
    """The price of one product while its family keeps its prices; units, units_now: (S,) of the product itself.

    probability: that the family gains, nan where the price stays; elasticity: as in Plan.
    """

    price: float
    probability: float
    elasticity: tuple[float, float, float]
    units: Floats
    units_now: Floats


def recommend_alone(
    family: Posterior, products: Sequence[Product], index: int, draws: int, seed: int, minimum_probability: float
) -> Alone:
    """The price of the product at `index` with which its whole family earns most, the others at current prices.

    family and products (m,) are in the same order. Chosen on one set of draws and confirmed on another, as a plan is.
    """
    chooses, promises = (Draws(draws, family.shared.shape[2], seed + k).of(family) for k in (0, 1))
    current = np.array([product.current for product in products])
    prices = np.array([product.kept for product in products])
    if not products[index].fixed:
        prices[index] = _best(chooses, products, prices, index, prices[index], minimum_probability)
    prices = _confirmed(promises, products, prices, minimum_probability)
    chance = float(_probabilities(promises, products, prices)[index])
    units, now = own_units(promises, current, index, np.array([prices[index], current[index]]))
    return Alone(float(prices[index]), chance, _elasticity(promises, current, index), units, now)


def reason(
    product: Product,
    price: float,
    chance: float,
    family: str | None,
    objective: str,
    minimum_probability: float,
    *,
    uncosted: bool = False,
    rules: str = "",
) -> str:
    """Why this price. chance: that it gains; family: None where the product competes with nobody.

    uncosted: profit is the objective and the unit cost is not known, so that sales decided. rules: those that bind.
    """
    moved = abs(price - product.current) > NEGLIGIBLE
    if rules and moved and not chance >= minimum_probability:
        why = f"{'raise' if price > product.current else 'lower'} by {abs(price / product.current - 1):.1%}"
    elif rules and not moved:
        why = "keep"
    else:
        why = _why(product, price, chance, family, objective, minimum_probability)
    bound = f"; bound by {rules}" if rules else ""
    return why + bound + (" (no unit cost known)" if uncosted else "")


def _why(
    product: Product, price: float, chance: float, family: str | None, objective: str, minimum_probability: float
) -> str:
    if abs(price - product.kept) <= NEGLIGIBLE < abs(price - product.current):
        limit = "ceiling" if price < product.current else "floor"
        return f"{'lower' if limit == 'ceiling' else 'raise'} to its {limit}: a hard limit of the product"
    if product.fixed:
        return "keep: the sales of this shop say too little about how its demand answers to a price"
    if abs(price - product.current) <= NEGLIGIBLE:
        return (
            f"keep: no price within the guardrail gains expected {objective} with the probability of "
            f"{minimum_probability:.2f} that is asked for"
        )
    raised = price > product.current
    if family:
        why = (
            f"the buyers it loses mostly stay in {family} or pay the higher price"
            if raised
            else f"it wins more buyers than it takes from the others of {family}"
        )
    else:
        why = (
            "demand is inelastic here: fewer units, each earning more"
            if raised
            else "demand is elastic here: the units gained outweigh the lower price"
        )
    ends = len(product.candidates) > 1 and price in (product.candidates[0], product.candidates[-1])
    edge = "; the guardrail ends here, the best price may lie beyond" if ends else ""
    step = f"{'raise' if raised else 'lower'} by {abs(price / product.current - 1):.1%}"
    return f"{step} for more expected {objective} (probability {chance:.2f}): {why}{edge}"
