"""One price in its family: the whole family's sales decide, the others stay where they are."""

import numpy as np
import pytest

from pricewright.core.decision import Terms
from pricewright.core.plan import Product, family_value, offer, recommend_alone
from pricewright.core.substitution import Draws, Posterior
from tests.pricewright.core.shops import BASE_PRICE, posterior

MEMBERS = np.array([0, 1, 2])
DRAWS, SEED = 256, 3


def offers(cost: float = 0.0, *, fixed: bool = False) -> list[Product]:
    return [offer(price, 0.7 * price, 1.5 * price, Terms(), cost, fixed=fixed) for price in BASE_PRICE[MEMBERS]]


def family(elasticity: float = 1.6) -> Posterior:
    return posterior(elasticity, keeps=0.2)[MEMBERS]


def test_what_is_taken_from_the_family_is_no_gain() -> None:
    """With an elasticity of 1.6 a product alone would be cheaper; most of what it wins comes from its family."""
    known = family()
    found = recommend_alone(known, offers(), 0, DRAWS, SEED, 0.7)
    alone = recommend_alone(posterior(1.6, keeps=1 - 1e-9)[MEMBERS[:1]], offers()[:1], 0, DRAWS, SEED, 0.7)
    assert alone.price < BASE_PRICE[0] < found.price
    assert found.probability >= 0.7


def test_the_price_beats_its_neighbours_for_the_family() -> None:
    known, products = family(), offers()
    found = recommend_alone(known, products, 1, DRAWS, SEED, 0.7)
    demand = Draws(DRAWS, 1, SEED).of(known)
    nearest = int(np.abs(products[1].candidates - found.price).argmin())
    values = []
    for price in products[1].candidates[max(nearest - 1, 0) : nearest + 2]:
        prices = BASE_PRICE[MEMBERS].copy()
        prices[1] = price
        values.append(family_value(demand, products, prices).mean())
    assert max(values) == values[min(nearest, 1)]


def test_a_product_about_which_too_little_is_known_keeps_its_price() -> None:
    found = recommend_alone(family(), offers(fixed=True), 0, DRAWS, SEED, 0.7)
    assert found.price == BASE_PRICE[0] and np.isnan(found.probability)
    np.testing.assert_array_equal(found.units, found.units_now)


def test_a_probability_that_nothing_reaches_keeps_the_price() -> None:
    assert (
        recommend_alone(posterior(2.5, 0.2, spread=3.0)[MEMBERS], offers(), 0, DRAWS, SEED, 1.0).price == BASE_PRICE[0]
    )


def test_profit_asks_a_higher_price_the_dearer_the_product_is_to_the_shop() -> None:
    prices = []
    for cost in (0.0, 1.2, 1.6):
        products = offers()
        products[0] = offer(BASE_PRICE[0], 0.7 * BASE_PRICE[0], 1.5 * BASE_PRICE[0], Terms(), cost, fixed=False)
        prices.append(recommend_alone(posterior(4.0, keeps=0.9)[MEMBERS], products, 0, DRAWS, SEED, 0.7).price)
    assert prices == sorted(prices) and prices[0] < prices[-1]


def test_the_elasticity_is_that_of_the_product_with_the_others_as_they_are() -> None:
    found = recommend_alone(family(), offers(), 0, DRAWS, SEED, 0.7)
    assert found.elasticity[0] == pytest.approx(
        -1.6 * (1 - 0.8 * 0.5), abs=0.05
    )  # half of the family's units are its own
