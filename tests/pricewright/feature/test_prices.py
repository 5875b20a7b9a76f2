"""The price of a SKU is what its main channel asks, the list price what it goes on asking, and "now" a regular one."""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from pricewright.feature import FEATURES, Panel, build_panel
from pricewright.feature.prices import chance_of_none

FIRST = date(2024, 1, 1)
Line = tuple[int, int, float, str | None]  # week, units, price, channel or customer
Sold = Callable[..., pl.DataFrame]


@pytest.fixture
def panel(sold: Sold, params: Mapping[str, Any]) -> Callable[..., Panel]:
    """The panel of A's lines; B keeps the shop open with two lines a week. `by` is the column that tells channels."""

    def build(lines: list[Line], by: str = "customer_id", promoted: tuple[int, ...] = ()) -> Panel:
        weeks = range(max(line[0] for line in lines) + 1)
        other: list[Line] = [(week, 1, 1.0, None) for week in weeks for _ in range(2)]
        sales = [
            (str(FIRST + timedelta(weeks=week)), code, units, price)
            for code, some in (("A", lines), ("B", other))
            for week, units, price, _ in some
        ]
        columns: dict[str, list[Any]] = {by: [line[3] for line in [*lines, *other]]}
        columns["promotion"] = [float(line[0] in promoted) for line in [*lines, *other]]
        return build_panel(sold(*sales, **columns), {**params, "min_selling_weeks": 1})

    return build


def of(panel: Panel, column: str) -> list[Any]:
    return panel.rows.filter(pl.col("stock_code") == "A")[column].to_list()


def test_guests_who_pay_twice_the_price_move_no_price(panel: Callable[..., Panel]) -> None:
    lines: list[Line] = [(week, 6, 2.0, "ann") for week in range(6) if week != 3]
    lines += [(week, 1, 4.0, None) for week in range(1, 6) for _ in range(2)]
    found = panel(lines)
    assert of(found, "price") == of(found, "list_price") == [2.0] * 6
    assert of(found, "units") == [6, 8, 8, 2, 8, 8]
    assert found.catalog.row(0, named=True)["price_max"] == 2.0


def test_the_main_channel_sold_most_so_far_and_of_equals_the_first_by_name(panel: Callable[..., Panel]) -> None:
    lines: list[Line] = [(0, 3, 4.0, "shop"), (0, 3, 2.0, "web"), (1, 3, 4.0, "shop"), (1, 9, 2.0, "web")]
    assert of(panel([*lines, (2, 5, 4.0, "shop"), (2, 1, 2.0, "web")], by="channel"), "price") == [4.0, 2.0, 2.0]
    assert of(panel([*lines, (2, 9, 4.0, "shop"), (2, 1, 2.0, "web")], by="channel"), "price") == [4.0, 2.0, 4.0]


def test_what_a_later_week_sells_does_not_decide_the_channel_of_an_earlier_one(panel: Callable[..., Panel]) -> None:
    lines: list[Line] = [(0, 3, 4.0, None), (0, 2, 2.0, "ann")]
    assert of(panel([*lines, (1, 900, 2.0, "ann")]), "price") == [4.0, 2.0]


def test_small_lines_set_the_price_where_most_of_them_are(panel: Callable[..., Panel]) -> None:
    assert of(panel([(0, 1, 2.0, "a"), (0, 2, 2.0, "b"), (0, 500, 1.5, "c")]), "price") == [2.0]
    assert of(panel([(0, 1, 2.0, "a"), (0, 2, 1.5, "b"), (0, 500, 1.5, "c")]), "price") == [1.5]


@pytest.mark.parametrize(("at_list", "listed"), [(2, 2.0), (1, 1.5)])
def test_a_list_price_holds_while_a_fifth_of_the_lines_sell_at_it(
    at_list: int, listed: float, panel: Callable[..., Panel]
) -> None:
    lines: list[Line] = [(0, 1, 2.0, "a")] * 3 + [(1, 1, 2.005, "a")] * at_list + [(1, 1, 1.5, "a")] * 8
    found = panel(lines)
    assert of(found, "list_price") == [2.0, listed]
    assert of(found, "price") == [2.0, 1.5]


def test_now_is_the_price_before_a_promotion(panel: Callable[..., Panel]) -> None:
    lines: list[Line] = [(week, 1, 2.0 if week < 4 else 1.4, "a") for week in range(6) for _ in range(3)]
    found = panel(lines, promoted=(4, 5))
    assert of(found, "list_price") == [2.0] * 4 + [1.4] * 2
    now = found.catalog.row(0, named=True)
    assert (now["current_price"], now["price_min"], now["price_max"]) == (2.0, 1.4, 2.0)
    assert found.coming.row(0, named=True)["price"] == 2.0
    assert panel(lines).catalog["current_price"][0] == 1.4, "where nobody says that it is a promotion"


def test_now_is_not_the_price_of_a_promotion_that_nobody_bought_at_since(panel: Callable[..., Panel]) -> None:
    lines: list[Line] = [(week, 1, 2.0, "a") for week in range(3) for _ in range(3)] + [(3, 1, 1.4, "a")] * 3
    found = panel([*lines, (5, 1, 2.0, None)], promoted=(3,))
    assert found.catalog["current_price"][0] == 2.0


STEADY = [20, 24, 16, 22, 18, 25, 15, 21, 19, 23]


def panel_of(
    sold: Sold, params: Mapping[str, Any], units: list[int], in_stock: list[bool | None] | None = None
) -> pl.DataFrame:
    """The rows of A, which sells these units week by week at 2.00; B keeps the shop open."""
    weeks = [w for w, n in enumerate(units) if n or in_stock]
    sales = [(str(FIRST + timedelta(weeks=w)), "A", units[w], 2.0) for w in weeks]
    sales += [(str(FIRST + timedelta(weeks=w)), "B", 1, 1.0) for w in range(len(units))]
    stated = [in_stock[w] if in_stock else None for w in weeks] + [None] * len(units)
    panel = build_panel(sold(*sales, in_stock=stated), {**params, "min_selling_weeks": 2})
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
