"""What a shop does in the week itself: its own display counts, the others' by what they sell, in one zone."""

import numpy as np
import pytest

from pricewright.feature.actions import ACTIONS, week_actions
from pricewright.feature.past import Floats, Past

FAMILIES = np.array([0, 0, 0, 1, 2])  # juice in two zones, and tea
UNITS = np.array([10.0, 30.0, 10.0, 50.0, 5.0])
NOTHING = np.zeros(5)


def past(price: Floats, weeks: int = 20) -> Past:
    """Weeks in which all five sold UNITS at these prices."""
    found = Past({"known_units": 26, "list_price": 26}, 5)
    for week in range(weeks):
        found.add({"known_units": UNITS, "list_price": price}, np.full(5, week + 1))
    return found


def actions(promotion: Floats = NOTHING, price: Floats | None = None, there: Floats | None = None) -> dict[str, Floats]:
    here = np.ones(5, bool) if there is None else there > 0
    return week_actions(past(np.full(5, 2.0)), here, promotion, np.full(5, 2.0) if price is None else price, FAMILIES)


def test_a_display_is_the_skus_own_and_the_others_by_what_it_sells() -> None:
    found = actions(promotion=np.array([0.0, 1.0, 0.0, 0.0, 1.0]))
    assert found["own_promotion"].tolist() == [0, 1, 0, 0, 1]
    of_two = (30 + 0.05) / (30 + 10 + 2 * 0.05)
    assert found["family_promotion"] == pytest.approx([of_two, 0, of_two, 0, 0])


def test_a_rivals_cut_is_seen_by_the_others_of_its_zone_alone() -> None:
    found = actions(price=np.array([2.0, 1.0, 2.0, 2.0, 1.0]))
    assert found["family_cut"][0] > 0.4 and found["family_price"][0] == pytest.approx(-found["family_cut"][0])
    assert found["family_cut"][[1, 3, 4]].tolist() == [0, 0, 0], "its own cut is the curve's"


def test_a_dearer_rival_is_no_cut_and_a_small_step_down_none_either() -> None:
    assert actions(price=np.array([2.0, 2.4, 2.0, 2.0, 2.0]))["family_cut"].tolist() == [0] * 5
    assert actions(price=np.array([2.0, 1.95, 2.0, 2.0, 2.0]))["family_cut"].tolist() == [0] * 5


def test_a_price_that_stays_low_becomes_the_usual_one() -> None:
    found = past(np.array([2.0, 1.0, 2.0, 2.0, 2.0]))
    low = np.array([2.0, 1.0, 2.0, 2.0, 2.0])
    assert week_actions(found, np.ones(5, bool), NOTHING, low, FAMILIES)["family_cut"].tolist() == [0] * 5


def test_who_is_not_on_sale_counts_for_nobody() -> None:
    there = np.array([1, 0, 1, 1, 1])
    found = actions(np.array([0, 1.0, 0, 0, 0]), np.array([2.0, 1.0, 2.0, 2.0, 2.0]), there)
    assert not any(found[name][[0, 2, 3, 4]].any() for name in ACTIONS if name != "own_promotion")


def test_the_first_week_of_a_shop_has_no_usual_prices_and_no_cuts() -> None:
    empty = Past({"known_units": 26, "list_price": 26}, 5)
    found = week_actions(empty, np.ones(5, bool), NOTHING, np.full(5, 2.0), FAMILIES)
    assert all(np.isfinite(values).all() and not values.any() for values in found.values())
