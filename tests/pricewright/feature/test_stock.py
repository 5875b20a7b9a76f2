"""A week in which a SKU could not sell is told from one in which nobody wanted it, and leaves later weeks alone."""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from pricewright.feature import FEATURES, build_panel
from pricewright.feature.stock import chance_of_none

FIRST = date(2024, 1, 1)
Sold = Callable[..., pl.DataFrame]
STEADY = [20, 24, 16, 22, 18, 25, 15, 21, 19, 23]


def panel_of(
    sold: Sold, params: Mapping[str, Any], units: list[int], in_stock: list[bool | None] | None = None
) -> pl.DataFrame:
    """The rows of A, which sells these units week by week at 2.00; B keeps the shop open."""
    weeks = [w for w, n in enumerate(units) if n or in_stock]
    sales = [(str(FIRST + timedelta(weeks=w)), "A", units[w], 2.0) for w in weeks]
    sales += [(str(FIRST + timedelta(weeks=w)), "B", 1, 1.0) for w in range(len(units))]
    said = [in_stock[w] if in_stock else None for w in weeks] + [None] * len(units)
    panel = build_panel(sold(*sales, in_stock=said), {**params, "min_selling_weeks": 2})
    return panel.rows.filter(pl.col("stock_code") == "A")


def test_the_chance_of_no_sale_is_that_of_a_negative_binomial() -> None:
    rng = np.random.default_rng(7)
    counts = rng.negative_binomial(1.5, 1.5 / (1.5 + 4.0), (4000, 1)).astype(float)  # mean 4, variance 4 + 16 / 1.5
    assert chance_of_none(counts)[0] == pytest.approx((counts == 0).mean(), abs=0.02)
    assert chance_of_none(np.full((8, 1), 3.0))[0] == pytest.approx(np.exp(-3))
    assert chance_of_none(np.array([[5.0], [np.nan]]))[0] == chance_of_none(np.zeros((8, 1)))[0] == 1


def test_no_sale_of_a_steady_seller_is_a_week_without_stock(sold: Sold, params: Mapping[str, Any]) -> None:
    assert panel_of(sold, params, [*STEADY, 0, 0, 20])["in_stock"].to_list() == [True] * 10 + [False] * 2 + [True]


@pytest.mark.parametrize(
    "units",
    [[*STEADY[:7], 0, 20], [2, 1, 3, 2, 5, 1, 2, 3, 0, 2], [60, 0, 0, 3, 80, 0, 5, 12, 0, 2]],
    ids=["too little is known", "slow", "in bursts"],
)
def test_no_sale_that_may_be_chance_is_none(units: list[int], sold: Sold, params: Mapping[str, Any]) -> None:
    assert panel_of(sold, params, units)["in_stock"].all()


def test_a_shop_may_choose_not_to_guess(sold: Sold, params: Mapping[str, Any]) -> None:
    assert panel_of(sold, {**params, "stockout_probability": 0}, [*STEADY, 0, 0, 20])["in_stock"].all()


def test_a_sku_that_stays_away_for_more_than_eight_weeks_does_not_sell_any_more(
    sold: Sold, params: Mapping[str, Any]
) -> None:
    rows = panel_of(sold, params, [*STEADY, *[0] * 12, 20])
    assert rows["in_stock"].to_list() == [True] * 10 + [False] * 8 + [True] * 5
    assert rows["units"].to_list() == [*STEADY, *[0] * 12, 20]
    falling = rows["log_units_mean_4"].to_list()
    assert falling[18] > falling[19] > falling[20]


def test_a_week_without_stock_leaves_the_features_of_later_weeks_alone(sold: Sold, params: Mapping[str, Any]) -> None:
    lost = panel_of(sold, params, [*STEADY, 0, 20])
    kept = panel_of(sold, params, [*STEADY, STEADY[-1], 20])
    buyers = ("repeat_customer", "log_repeat_customers")  # the fake's customers never come again
    there = [name for name in FEATURES if not name.startswith(("family", *buyers))]
    assert lost[11].select(there).equals(kept[11].select(there))


def test_where_the_shop_speaks_of_its_stock_nothing_is_guessed(sold: Sold, params: Mapping[str, Any]) -> None:
    units = [*STEADY, 0, 0, 20]
    stock: list[bool | None] = [True] * 10 + [True, False, True]
    assert panel_of(sold, params, units, stock)["in_stock"].to_list() == [True] * 11 + [False, True]
