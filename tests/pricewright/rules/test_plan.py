"""The plan under rules: none that is said to be met is broken; small cases are exact; costs and contradictions."""

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from pricewright.core.plan import values_at, worth_of
from pricewright.core.substitution import Draws
from pricewright.rules.between import Clause, Options, best_choice, clauses_of
from pricewright.rules.joint import Shop
from pricewright.rules.plan import decide, plan_under_rules
from tests.pricewright.rules.small_shop import items, rules, shop

BRANDS, CATEGORIES = ("Own", "Brand"), ("Juice", "Tea")
# A smaller example of what fails takes minutes to find.
FAST = settings(
    deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.explicit, Phase.reuse, Phase.generate]
)
shares = st.sampled_from([0.02, 0.05, 0.1, 0.25, 0.5])
wheres = st.one_of(
    st.just({}),
    st.builds(lambda name: {"brand": name}, st.sampled_from(BRANDS)),
    st.builds(lambda name: {"category": name}, st.sampled_from(CATEGORIES)),
    st.builds(lambda names: {"sku": sorted(names)}, st.sets(st.sampled_from("abcde"), min_size=1)),
)


def rule(kind: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"kind": st.just(kind), "where": wheres, **fields})


any_rule = st.one_of(
    rule("floor", price=st.sampled_from([2.5, 3.99, 5.0])),
    rule("ceiling", price=st.sampled_from([3.0, 4.5, 5.55])),
    rule("margin_floor", at_least=shares),
    rule("largest_step", at_most=shares),
    rule("smallest_step", at_least=shares),
    rule("endings", endings=st.sampled_from([[0.99], [0.95, 0.49], [0.0]])),
    rule("competitor", lowest=st.sampled_from([-0.2, -0.05]), highest=st.sampled_from([0.0, 0.1])),
    rule("frozen"),
    rule("rest", weeks=st.sampled_from([2, 8])),
    rule("order", under=wheres, at_least_below=shares, within=st.sampled_from([[], ["category"]])),
    rule("pack"),
    rule("price_line", within=st.sampled_from([[], ["brand"]])),
    rule("most_changes", changes=st.integers(0, 4)),
)


@st.composite
def shops(draw: st.DrawFn) -> Shop:
    count = 5
    column = {
        "brand": draw(st.lists(st.sampled_from(BRANDS), min_size=count, max_size=count)),
        "category": draw(st.lists(st.sampled_from(CATEGORIES), min_size=count, max_size=count)),
        "zone": draw(st.lists(st.sampled_from(["North", "South"]), min_size=count, max_size=count)),
        "size": draw(st.lists(st.sampled_from(["", "250 ml", "0.5 l", "1 l"]), min_size=count, max_size=count)),
        "unit_cost": draw(st.lists(st.sampled_from([float("nan"), 2.0, 3.9]), min_size=count, max_size=count)),
        "competitor_price": draw(st.lists(st.sampled_from([float("nan"), 3.5, 5.0]), min_size=count, max_size=count)),
        "weeks_since": draw(st.lists(st.sampled_from([float("nan"), 1.0, 5.0]), min_size=count, max_size=count)),
    }
    slopes = draw(st.lists(st.sampled_from([0.4, 0.8, 1.5, 3.0]), min_size=count, max_size=count))
    families = draw(st.lists(st.integers(0, 4), min_size=count, max_size=count))
    current = draw(st.lists(st.sampled_from([2.99, 4.0, 4.49, 5.5]), min_size=count, max_size=count))
    return shop(items(count, **column), slopes, families, current=current, most=30)


@given(made=shops(), asked=st.lists(any_rule, min_size=1, max_size=5))
@settings(FAST, max_examples=20)
def test_no_plan_breaks_a_rule_that_it_says_is_met(made: Shop, asked: list[dict[str, Any]]) -> None:
    given_rules = rules(*asked)
    found = decide(made, given_rules)
    assert found.broken(given_rules, made) == {}
    for price, product in zip(found.prices, found.products, strict=True):
        assert product.low - 1e-9 <= price <= product.high + 1e-9
        assert abs(price - product.current) < 1e-9 or abs(price * 100 - round(price * 100)) < 1e-6, "no label"


@given(made=shops(), asked=st.lists(any_rule, min_size=1, max_size=4))
@settings(FAST, max_examples=8)
def test_the_first_rule_of_a_file_is_met_wherever_it_can_be(made: Shop, asked: list[dict[str, Any]]) -> None:
    given_rules = rules(*asked)
    alone = decide(made, given_rules[:1]).unmet
    beside = [one for one in decide(made, given_rules).unmet if one.rule == given_rules[0].name]
    assert {item for one in beside for item in one.items} <= {item for one in alone for item in one.items}


weights = st.sampled_from([-1.2, -1.0, -0.9, 1.0])


@given(
    worths=st.lists(st.lists(st.floats(-5, 5), min_size=4, max_size=4), min_size=4, max_size=4),
    pairs=st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 3), weights).filter(lambda one: one[0] != one[1]), max_size=4
    ),
    most=st.integers(0, 4),
)
@settings(max_examples=60, deadline=None)
def test_the_choice_is_the_best_of_all_that_meet_the_clauses(
    worths: list[list[float]], pairs: list[tuple[int, int, float]], most: int
) -> None:
    prices = np.array([3.0, 4.0, 4.5, 5.0])
    clauses = [Clause(0, (a, b), (1.0, weight), 0.0) for a, b, weight in pairs if weight < 0]
    clauses += [Clause(1, (0, 1, 2, 3), (1.0,) * 4, float(most), counts=True)]
    options = {item: Options(prices, np.array(worth), 4.0) for item, worth in enumerate(worths)}
    current = dict.fromkeys(range(4), 4.0)
    best = -np.inf
    for chosen in itertools.product(range(4), repeat=4):
        if all(clause.met({i: prices[c] for i, c in enumerate(chosen)}, current) for clause in clauses):
            best = max(best, sum(worths[i][c] for i, c in enumerate(chosen)))
    found = best_choice(options, clauses)
    assert (found is None) == (best == -np.inf)
    if found:
        worth = sum(worths[i][int(np.argmin(np.abs(prices - price)))] for i, price in found.items())
        assert worth == pytest.approx(best, abs=1e-6)


def test_the_plan_of_items_that_compete_with_nobody_is_the_best_of_all() -> None:
    """By enumeration of all prices of three items, of which the third must be 20 % under the others."""
    made = shop(items(3, brand=["Brand", "Brand", "Own"]), [2.5, 1.6, 0.5])
    below = {"kind": "order", "where": {"brand": "Own"}, "under": {"brand": "Brand"}, "at_least_below": 0.2}
    asked = rules(below, {"kind": "endings", "endings": [0.0, 0.25, 0.5, 0.75]})
    found = decide(made, asked).prices
    draws = Draws(made.draws, 1, made.seed)
    worth = []
    for item in range(3):
        demand = draws.of(made.posterior[np.array([item])])
        tried = np.arange(2.0, 6.01, 0.25)
        values = values_at(demand, [made.products[item]], np.array([4.0]), 0, np.append(tried, 4.0))
        gains = values[:-1] - values[-1]
        sure = (gains > 0).mean(axis=1) >= made.probability
        worth.append(dict(zip(tried, np.where(sure, worth_of(gains), np.minimum(worth_of(gains), 0)), strict=True)))
    best = max(
        worth[0][a] + worth[1][b] + worth[2][c]
        for a, b, c in itertools.product(*worth)
        if c <= 0.8 * a + 1e-9 and c <= 0.8 * b + 1e-9
    )
    assert sum(one[price] for one, price in zip(worth, found, strict=True)) == pytest.approx(best)


def test_the_changes_that_are_worth_most_are_made() -> None:
    made = shop(items(4), [0.4, 0.9, 3.0, 1.05])
    free = decide(made, ()).prices
    few = decide(made, rules({"kind": "most_changes", "changes": 2})).prices
    moved = set(np.flatnonzero(few != 4.0))
    assert set(np.flatnonzero(free != 4.0)) > moved == {0, 2}
    assert few[[0, 2]].tolist() == free[[0, 2]].tolist()


def test_contradictions_name_the_fewest_rules_and_the_later_one_gives_way() -> None:
    made = shop(items(2, brand=["Own", "Brand"]), [0.5, 0.5])
    asked = rules(
        {"name": "steps", "kind": "largest_step", "at_most": "50%"},
        {"name": "own floor", "kind": "floor", "price": 5, "where": {"brand": "Own"}},
        {"name": "brand ceiling", "kind": "ceiling", "price": 5, "where": {"brand": "Brand"}},
        {"name": "below", "kind": "order", "where": {"brand": "Own"}, "under": {"brand": "Brand"},
         "at_least_below": "10%"},
    )  # fmt: skip
    found = decide(made, asked)
    assert [(one.rule, one.items, one.against) for one in found.unmet] == [
        ("below", (0, 1), ("own floor", "brand ceiling"))
    ]
    first = decide(made, (asked[3], *asked[:3]))
    assert [one.rule for one in first.unmet] == ["brand ceiling"]
    assert first.unmet[0].against == ("below", "own floor")
    assert first.prices[0] <= 0.9 * first.prices[1] + 1e-9


def test_what_binds_is_named_with_what_it_costs() -> None:
    made = shop(items(3), [0.4, 3.0, 0.4])
    asked = rules(
        {"name": "cap", "kind": "ceiling", "price": 4.5, "where": {"sku": "a"}},
        {"name": "far away", "kind": "floor", "price": 0.5},
        {"name": "no cost known", "kind": "margin_floor", "at_least": "20%"},
    )
    ruled = plan_under_rules(made, asked)
    assert ruled.plan.prices[0] == 4.5
    assert ruled.binding == [("cap",), (), ()]
    cap, far, margin = ruled.table
    assert (cap["binds"], far["binds"], margin["not_judged"]) == (1, 0, 3)
    free = plan_under_rules(made, ()).plan
    assert cap["cost"] == pytest.approx(free.sales.sum(axis=0).mean() - ruled.plan.sales.sum(axis=0).mean())
    assert cap["cost"] > 0 == far["cost"]


def test_frozen_items_stay_in_their_weeks_and_rest_after_a_change() -> None:
    made = shop(items(3, weeks_since=[1.0, 30.0, float("nan")]), [0.4, 0.4, 0.4])
    assert decide(made, rules({"kind": "rest", "weeks": 4})).prices[0] == 4.0
    december = {"kind": "frozen", "first": "2025-12-01", "last": "2026-01-06"}
    assert (decide(made, rules(december)).prices == 4.0).all()
    assert (decide(made, rules(december | {"last": "2026-01-04"})).prices > 4.0).all()


def test_a_price_line_has_one_price_in_each_zone() -> None:
    made = shop(items(4, zone=["N", "N", "S", "S"]), [0.4, 3.0, 0.5, 0.6], current=[4.0, 4.4, 3.0, 3.5])
    north, other, south, last = decide(made, rules({"kind": "price_line"})).prices
    assert north == other and south == last


def test_a_large_pack_is_not_dearer_per_unit_than_a_small_one() -> None:
    known = items(3, size=["250 ml", "0.5 l", "6 x 250 ml"], brand=["X"] * 3, category=["Juice"] * 3)
    small, middle, large = decide(shop(known, [3.0, 0.4, 0.4], high=30.0), rules({"kind": "pack"})).prices
    assert small >= middle / 2 - 1e-9 and middle / 2 >= large / 6 - 1e-9


def test_clauses_join_only_what_a_rule_compares() -> None:
    known = items(4, brand=["Own", "Brand", "Own", "Brand"], category=["Tea", "Tea", "Juice", ""])
    asked = rules({"kind": "order", "where": {"brand": "Own"}, "under": {"brand": "Brand"}, "within": ["category"]})
    clauses, _ = clauses_of(asked, known)
    assert [clause.items for clause in clauses] == [(0, 1)]


def test_a_step_that_only_a_fraction_of_a_cent_would_meet_keeps_the_price() -> None:
    made = shop(items(1), [0.4], current=[4.49])
    asked = rules({"kind": "smallest_step", "at_least": 0.1}, {"kind": "largest_step", "at_most": 0.1})
    assert decide(made, asked).prices.tolist() == [4.49]
