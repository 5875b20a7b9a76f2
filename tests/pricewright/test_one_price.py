"""One price per SKU for a chain against prices by zone, where the truth is known."""

import numpy as np
import pytest
from numpy.typing import NDArray

from pricewright.core.decision import Terms
from pricewright.core.plan import make_plan, offer
from pricewright.core.substitution import Posterior
from pricewright.one_price import groups_of, one_price, zones_summary

DRAWS, SEED, SURE = 64, 1, 0.75
CODES = ["A", "B", "A", "B", "A"]  # two zones with a family of both, and a third that sells A alone
FAMILY = np.array([0, 0, 1, 1, 2])
BASE_PRICE, COST = 10.0, 4.0


def known(slopes: list[float]) -> Posterior:
    """Demands with these elasticities at the base price; hardly any doubt."""
    n = len(slopes)
    curve = np.column_stack([np.log(np.expm1(slopes)), np.full(n, -9.0)])
    own, keeps = np.full((n, 3), 1e-4), np.tile([3.0, 1e-3, 1e-3], (n, 1))
    return Posterior(np.full(n, 50.0), np.full(n, BASE_PRICE), curve, own, np.zeros((n, 2, 1)), FAMILY[:n], keeps)


def sales_of(posterior: Posterior, *, fixed: bool = False) -> tuple[NDArray[np.float64], dict[str, float]]:
    products = [offer(BASE_PRICE, 7.0, 14.0, Terms(), 0.0, fixed=fixed) for _ in range(len(posterior))]
    plan = make_plan(posterior, products, DRAWS, SEED, SURE)
    cost = np.append(np.full(len(posterior) - 1, COST), np.nan)
    same = one_price(posterior, products, CODES[: len(posterior)], DRAWS, SEED, SURE, cost)
    return same.prices, zones_summary(plan, same, 1.0, cost)


def test_zones_that_answer_alike_gain_nothing_from_prices_of_their_own() -> None:
    prices, found = sales_of(known([2.0, 0.5, 2.0, 0.5]))
    assert prices[0] == prices[2] < BASE_PRICE < prices[1] == prices[3]
    assert found["zones_gain"] == pytest.approx(0.0, abs=2e-3)


def test_zones_that_answer_otherwise_gain_by_what_one_price_misses() -> None:
    prices, found = sales_of(known([2.5, 2.5, 0.4, 0.4]))
    assert prices[0] == prices[2] and prices[1] == prices[3]
    assert found["zones_gain_low"] > 0.1 and found["zones_probability"] == 1.0
    assert found["zones_gain_low"] <= found["zones_gain"] <= found["zones_gain_high"]


def test_a_sku_has_one_price_in_every_zone_that_sells_it() -> None:
    prices, _ = sales_of(known([2.0, 0.5, 1.0, 3.0, 0.3]))
    assert len({price for price, code in zip(prices, CODES, strict=True) if code == "A"}) == 1


def test_no_other_single_price_brings_more() -> None:
    posterior = known([3.0, 1.0, 0.8, 1.0])
    products = [offer(BASE_PRICE, 7.0, 14.0, Terms(), 0.0, fixed=code == "B") for code in CODES[:4]]
    prices, best, _ = one_price(posterior, products, CODES[:4], DRAWS, SEED, SURE)
    for nearby in (0.98, 1.02):
        other = [product._replace(candidates=np.array([prices[0] * nearby]), kept=prices[0]) for product in products]
        _, sales, _ = one_price(posterior, other, CODES[:4], DRAWS, SEED, SURE)
        assert sales.mean() <= best.mean() * (1 + 1e-9)


def test_what_is_fixed_everywhere_keeps_the_mean_price() -> None:
    prices, found = sales_of(known([3.0, 3.0, 0.3, 0.3]), fixed=True)
    assert prices.tolist() == [BASE_PRICE] * 4 and found["zones_gain"] == 0.0


def test_profit_of_zones_is_that_of_their_items_whose_cost_is_known() -> None:
    _, found = sales_of(known([2.5, 2.5, 0.4, 0.4]))
    assert found["zones_profit_low"] <= found["zones_profit"] <= found["zones_profit_high"]
    posterior = known([2.0, 0.5, 2.0, 0.5])
    products = [offer(BASE_PRICE, BASE_PRICE, BASE_PRICE, Terms(), 0.0, fixed=True, net=1 / 1.25) for _ in range(4)]
    cost = np.array([COST, COST, COST, np.nan])
    same = one_price(posterior, products, CODES[:4], DRAWS, SEED, SURE, cost)
    assert same.sales.mean() == pytest.approx(4 * 50 * 8.0, rel=0.01)
    assert same.profit.mean() == pytest.approx(3 * 50 * (8.0 - COST), rel=0.01)
    plan = make_plan(posterior, products, DRAWS, SEED, SURE)
    assert zones_summary(plan, same, 1.0, cost)["zones_profit"] == pytest.approx(0.0, abs=1e-9)
    assert zones_summary(plan, same, 1.0)["zones_profit"] is None


def test_families_that_share_a_sku_are_one_group() -> None:
    families = [np.array([0, 1]), np.array([2]), np.array([3, 4]), np.array([5])]
    groups = groups_of(families, ["A", "B", "C", "B", "D", "E"])
    assert sorted(sorted(int(i) for members in group.families for i in members) for group in groups) == [
        [0, 1, 3, 4], [2], [5],
    ]  # fmt: skip
