"""What if: substitutes are taken into account, and nothing else than the set's families changes."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pricewright.core.errors import ParameterError
from pricewright.core.substitution import Draws
from pricewright.core.what_if import DRAWS, SEED, Change, Shop, intervals_of, read_share, what_if
from tests.pricewright.core.shops import BASE_PRICE, FAMILY, posterior

ALL = np.arange(len(FAMILY))
TENTH_OFF = Change(share=-0.1)


def shop(**how: Any) -> Shop:
    return Shop(posterior(**how), BASE_PRICE.copy(), 0.8 * BASE_PRICE, 1.25 * BASE_PRICE)


def test_prices_that_stay_change_nothing() -> None:
    found = what_if(shop(), ALL, Change(share=0.0))
    assert (found["units"], found["sales"]) == (found["units_now"], found["sales_now"])
    assert (found["changed"], found["outside_guardrail"], found["skus"]) == (0, 0, len(FAMILY))


def test_a_cheaper_product_wins_most_of_its_buyers_from_its_family() -> None:
    found = what_if(shop(), np.array([0]), TENTH_OFF)
    won, more = found["units"] - found["units_now"], found["all"]["units"] - found["all"]["units_now"]
    assert 0 < more < 0.5 * won
    assert found["units_low"] < found["units"] < found["units_high"]


def test_a_product_that_competes_with_nobody_wins_all_its_buyers_from_elsewhere() -> None:
    found = what_if(shop(), np.array([6]), TENTH_OFF)
    assert found["all"]["units"] - found["all"]["units_now"] == pytest.approx(found["units"] - found["units_now"])
    assert found["units"] / found["units_now"] == pytest.approx(0.9**-2.5, rel=0.02)


def test_families_of_one_win_by_what_each_of_them_keeps() -> None:
    alone = FAMILY > 1
    kept = np.where(alone, np.log(0.2 / 0.8), 30.0)
    known = replace(posterior(), keeps=np.column_stack([kept, np.full((len(FAMILY), 2), 0.01)]))
    found = what_if(
        Shop(known, BASE_PRICE.copy(), 0.8 * BASE_PRICE, 1.25 * BASE_PRICE), np.flatnonzero(alone), TENTH_OFF
    )
    assert found["units"] / found["units_now"] == pytest.approx(0.9 ** (-2.5 * 0.2), rel=0.01)


def test_a_whole_family_that_gets_cheaper_wins_by_the_family_elasticity() -> None:
    found = what_if(shop(keeps=0.2), np.array([0, 1, 2]), TENTH_OFF)
    assert found["units"] / found["units_now"] == pytest.approx(0.9 ** (-2.5 * 0.2), rel=0.01)


def test_the_whole_shop_is_the_sum_of_its_families_draw_by_draw() -> None:
    known, prices = posterior(), 0.9 * BASE_PRICE
    joint, family = Draws(DRAWS, 1, SEED), np.array([3, 4])
    demand = joint.of(known[family])
    sales = (prices[family][:, None] * demand.units(prices[family])).sum(axis=0)
    found = what_if(shop(), family, TENTH_OFF)
    assert found["sales"] == pytest.approx(sales.mean())
    assert (found["sales_low"], found["sales_high"]) == pytest.approx(tuple(np.quantile(sales, (0.05, 0.95))))
    whole = what_if(shop(), ALL, TENTH_OFF)
    assert {name: whole[name] for name in whole["all"]} == pytest.approx(whole["all"])


def test_one_price_for_all_is_taken_as_asked_and_what_lies_outside_is_counted() -> None:
    found = what_if(shop(), ALL, Change(price=4.0))
    assert (found["skus"], found["changed"]) == (8, 7)
    assert found["outside_guardrail"] == 6  # of 4.00 and 5.00, 4.00 is within 20 % below and 25 % above


def test_the_same_question_has_the_same_answer() -> None:
    assert what_if(shop(), ALL[:4], TENTH_OFF) == what_if(shop(), ALL[:4], TENTH_OFF)


@pytest.mark.parametrize(
    ("text", "share"), [("-10%", -0.1), ("+2.5%", 0.025), ("10%", 0.1), (" -10 % ", -0.1), ("0%", 0), (".5%", 0.005)]
)
def test_a_change_is_read_in_per_cent(text: str, share: float) -> None:
    assert read_share(text) == pytest.approx(share)


@pytest.mark.parametrize("text", ["", "-10", "-0.1", "%", "-100%", "-101%", "2000%", "nan%", "1e1%", "--1%"])
def test_a_change_without_its_sign_or_beyond_all_bounds_is_refused(text: str) -> None:
    with pytest.raises(ParameterError, match="per cent") as caught:
        read_share(text)
    assert "-10%" in caught.value.hint


def test_the_intervals_of_each_product_hold_its_draws_with_the_whole_plan() -> None:
    known, planned = shop(), 0.9 * BASE_PRICE
    found = intervals_of(known, np.array([1, 6]), planned)
    demand = Draws(DRAWS, 1, SEED).of(posterior()[np.array([0, 1, 2])])
    gain = planned[1] * demand.units(planned[:3])[1] - BASE_PRICE[1] * demand.units(BASE_PRICE[:3])[1]
    assert found["gain_low"][0] == pytest.approx(np.quantile(gain, 0.05))
    assert found["gain_high"][0] == pytest.approx(np.quantile(gain, 0.95))


def test_half_the_trust_halves_the_gain_and_its_interval() -> None:
    whole, half = (intervals_of(shop(), ALL, 0.9 * BASE_PRICE, trust) for trust in (1.0, 0.5))
    assert half["gain_low"] == pytest.approx(0.5 * whole["gain_low"])
    assert half["sales_now_low"] == pytest.approx(whole["sales_now_low"])
    assert half["units_high"] == pytest.approx(half["sales_high"] / (0.9 * BASE_PRICE))
