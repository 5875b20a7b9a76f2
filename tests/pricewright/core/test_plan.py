"""Plans: prices of a family together, and what they promise."""

from dataclasses import replace

import numpy as np
import pytest

from pricewright.core.plan import Product, make_plan, reason
from pricewright.core.substitution import Draws, Posterior

CANDIDATES = np.round(np.linspace(2.0, 6.0, 81), 2)


def posterior(slope: float, keeps: float, members: int = 3, sd: float = 0.05) -> Posterior:
    """One family of equals at a price of 4, all but known; keeps: share of a common change that the family keeps."""
    latent = np.log(np.expm1(slope))
    return Posterior(
        level=np.full(members, 20.0),
        base_price=np.full(members, 4.0),
        curve=np.tile([latent, -9.0], (members, 1)),
        own=np.tile([sd, 0.0, 0.01], (members, 1)),
        shared=np.zeros((members, 2, 1)),
        family=np.zeros(members, dtype=np.int64),
        keeps=np.tile([np.log(keeps / (1 - keeps)), 0.01, 0.0], (members, 1)),
    )


def product(*, fixed: bool = False) -> Product:
    return Product(4.0, 2.0, 6.0, CANDIDATES, 0.0, fixed, 4.0)


def test_substitutes_of_an_inelastic_family_are_not_lowered_although_each_of_them_is_elastic() -> None:
    plan = make_plan(posterior(slope=3.0, keeps=0.2), [product()] * 3, 64, 1, 0.7)
    assert (plan.prices > 4.0).all()
    alone = replace(posterior(slope=3.0, keeps=1 - 1e-9), family=np.arange(3))
    assert (make_plan(alone, [product()] * 3, 64, 1, 0.7).prices < 4.0).all()


def test_a_family_of_one_answers_like_a_family() -> None:
    """Each item of it would be elastic (3), what the whole family sells is not (0.6)."""
    plan = make_plan(posterior(slope=3.0, keeps=0.2, members=1), [product()], 64, 1, 0.7)
    assert plan.elasticity[0, 0] == pytest.approx(-0.6, abs=0.05)
    assert plan.prices[0] > 4.0


def test_no_other_price_of_one_product_earns_the_family_more() -> None:
    known = posterior(slope=2.6, keeps=0.5)
    plan = make_plan(known, [product()] * 3, 64, 1, 0.5)
    demand = Draws(64, 1, 1).of(known)
    best = (plan.prices @ demand.units(plan.prices)).mean()
    for i in range(3):
        for step in (-0.25, 0.25):
            prices = plan.prices.copy()
            prices[i] = np.clip(prices[i] + step, 2.0, 6.0)
            assert (prices @ demand.units(prices)).mean() <= best * (1 + 1e-3)


@pytest.mark.parametrize("slope", [0.7, 1.4])
def test_the_less_is_known_of_an_answer_the_shorter_is_the_step(slope: float) -> None:
    steps = []
    for sd in (0.05, 0.6):
        unsure = posterior(slope, keeps=1 - 1e-9, members=1, sd=sd)
        unsure = replace(
            unsure, curve=np.array([[unsure.curve[0, 0], np.log(np.expm1(1.0))]])
        )  # sales peak at 1 / slope
        (price,) = make_plan(unsure, [product()], 256, 1, 0.5).prices
        steps.append(abs(np.log(price / 4.0)))
    assert 0 < steps[1] < 0.9 * steps[0]
    assert steps[0] == pytest.approx(abs(np.log(slope)), abs=0.08)


def test_what_a_price_wins_is_mostly_taken_from_the_others() -> None:
    demand = Draws(32, 1, 1).of(posterior(slope=3.0, keeps=0.2))
    now, cut = np.full(3, 4.0), np.array([3.6, 4.0, 4.0])
    won = (demand.units(cut) - demand.units(now)).mean(axis=1)
    assert won[0] > 0 > won[1]
    assert won.sum() < 0.35 * won[0]


def test_a_product_about_which_nothing_is_known_keeps_its_price() -> None:
    plan = make_plan(posterior(slope=3.0, keeps=0.9), [product(fixed=True), product(), product()], 64, 1, 0.7)
    assert plan.prices[0] == 4.0 and np.isnan(plan.probability[0])


def test_moves_have_the_probability_that_is_asked_for_on_the_draws_that_promise() -> None:
    unsure = posterior(slope=1.1, keeps=0.99, members=1, sd=0.6)
    for least in (0.6, 0.8, 0.95):
        plan = make_plan(unsure, [product()], 128, 3, least)
        moved = plan.prices != 4.0
        assert (plan.probability[moved] >= least).all()


def test_a_plan_that_moves_nothing_promises_nothing() -> None:
    plan = make_plan(posterior(slope=1.0, keeps=0.5), [product(fixed=True)] * 3, 32, 1, 0.7)
    assert plan.sales.sum() == pytest.approx(plan.sales_now.sum())


def limited(kept: float, *, fixed: bool = False) -> Product:
    """A product that costs 4 today and may cost no more, or no less, than `kept`."""
    labels = CANDIDATES[kept >= CANDIDATES] if kept < 4.0 else CANDIDATES[kept <= CANDIDATES]
    return Product(4.0, float(labels[0]), float(labels[-1]), labels, 0.0, fixed, kept)


@pytest.mark.parametrize("kept", [3.0, 5.0])
@pytest.mark.parametrize("fixed", [True, False])
@pytest.mark.parametrize("slope", [0.5, 1.0, 3.0])
def test_a_hard_limit_holds_for_a_price_that_no_move_would_improve(kept: float, slope: float, *, fixed: bool) -> None:
    products = [limited(kept, fixed=fixed), product(), product()]
    prices = make_plan(posterior(slope, keeps=0.5), products, 64, 1, 0.7).prices
    assert products[0].low <= prices[0] <= products[0].high
    if fixed:
        assert prices[0] == kept
        assert reason(products[0], kept, float("nan"), None, "sales", 0.7).endswith("a hard limit of the product")
