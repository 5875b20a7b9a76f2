"""The joint demand of families: what economics says of it, in every form."""

from dataclasses import replace

import numpy as np
import pytest

from pricewright.worlds.curves import SHAPES, Curves, Offer, draw_curves, sell
from pricewright.worlds.kinds import KINDS

FORMS = {"nested logit": "substitutes_nested", "linear": "substitutes_linear", "market share": "common_moves"}
FAMILY = np.array([0, 1, 1, 1, 2, 2])  # one item alone, three substitutes, two
BASE = np.array([[10.0], [20.0], [5.0], [40.0], [8.0], [8.0]])


def drawn(form: str) -> Curves:
    return draw_curves(np.random.default_rng(3), KINDS[FORMS.get(form, "plain")], FAMILY, np.full(6, 2.0))


def offer(prices: np.ndarray, cut: np.ndarray | float = 0.0, offered: np.ndarray | float = 1.0) -> Offer:
    """Prices over the usual ones, (6, K)."""
    none = np.zeros_like(prices)
    return Offer(np.log(prices), none + cut, none, none + offered, np.zeros((3, 1)))


def one_moved(item: int, prices: np.ndarray) -> np.ndarray:
    """All at usual prices but one."""
    moved = np.ones((len(FAMILY), len(prices)))
    moved[item] = prices
    return moved


@pytest.mark.parametrize("form", FORMS)
def test_at_usual_prices_every_item_sells_its_base(form: str) -> None:
    assert sell(drawn(form), BASE, offer(np.ones((6, 1)))) == pytest.approx(BASE)


@pytest.mark.parametrize("form", FORMS)
def test_a_dearer_item_sells_less_its_substitutes_more_and_other_families_the_same(form: str) -> None:
    units = sell(drawn(form), np.repeat(BASE, 9, axis=1), offer(one_moved(1, np.linspace(0.7, 1.3, 9))))
    change = np.diff(units, axis=1)
    assert (change[1] < 0).all()
    assert (change[2:4] > 0).all()
    assert change[[0, 4, 5]] == pytest.approx(0.0)


@pytest.mark.parametrize("form", FORMS)
def test_a_family_answers_to_a_move_of_all_its_prices_with_the_elasticity_it_was_drawn_with(form: str) -> None:
    curves, step = drawn(form), 1e-5
    units = sell(curves, np.repeat(BASE, 2, axis=1), offer(np.ones((6, 1)) * [1 - step, 1 + step]))
    total = np.log(curves.sums(units))
    found = (total[:, 0] - total[:, 1]) / (2 * step)
    uneven = 0.1 if form == "linear" else 0.02  # uneven substitution shifts the sum a little
    assert found == pytest.approx(np.exp(curves.families[:, 0]), rel=uneven)


@pytest.mark.parametrize("form", FORMS)
def test_an_item_answers_more_to_its_own_price_than_its_family_to_all_prices(form: str) -> None:
    step = 1e-5
    units = sell(drawn(form), np.repeat(BASE, 2, axis=1), offer(one_moved(2, np.array([1 - step, 1 + step]))))
    own = np.log(units[2, 0] / units[2, 1]) / (2 * step)
    assert own > 1.3 * float(np.exp(drawn(form).families[1, 0]))


@pytest.mark.parametrize("form", FORMS)
def test_a_promotion_gains_for_the_item_and_its_family_at_the_cost_of_its_substitutes(form: str) -> None:
    cut = np.zeros((6, 1))
    cut[[0, 1]] = 0.2
    units = sell(drawn(form), BASE, offer(np.ones((6, 1)), cut))
    assert (units[[0, 1]] > 1.1 * BASE[[0, 1]]).all()
    assert (units[2:4] < BASE[2:4]).all()
    assert units[1:4].sum() > BASE[1:4].sum()


@pytest.mark.parametrize("form", FORMS)
def test_an_item_out_of_stock_sells_nothing_and_its_substitutes_no_less(form: str) -> None:
    offered = np.ones((6, 1))
    offered[[0, 3]] = 0.0
    units = sell(drawn(form), BASE, offer(np.ones((6, 1)), offered=offered))
    assert units[[0, 3]] == pytest.approx(0.0)
    assert np.isfinite(units).all() and (units[1:3] >= BASE[1:3] - 1e-9).all()


@pytest.mark.parametrize("shape", range(len(SHAPES)))
def test_every_shape_of_an_item_without_substitutes_falls_and_has_its_elasticity(shape: int) -> None:
    alone = draw_curves(np.random.default_rng(1), KINDS["plain"], np.arange(1), np.ones(1))
    curves = replace(alone, shape=np.array([shape]))
    ratio = np.append(np.linspace(0.5, 2.0, 50), [1 - 1e-5, 1.0, 1 + 1e-5])
    none = np.zeros((1, len(ratio)))
    units = sell(curves, np.ones((1, 1)), Offer(np.log(ratio)[None], none, none, none + 1, np.zeros((1, 1))))[0]
    assert (np.diff(units[:50]) < 0).all() and (units > 0).all()
    assert units[-2] == pytest.approx(1.0)
    slopes = np.array([units[-3] - 1, 1 - units[-1]]) / 1e-5 / np.exp(curves.families[0, 0])
    assert slopes == pytest.approx([0.8, 1.25] if SHAPES[shape] == "kinked" else [1, 1], rel=1e-3)
