"""Regular prices and temporary cuts are told apart."""

import numpy as np
import pytest

from pricewright.network.regular import PricePaths, part_prices


def parted(price: list[float], promotion: list[float] | None = None, others: int = 0) -> PricePaths:
    """One SKU's path; `others` SKUs whose cuts always came back stand beside it."""
    path = np.log(np.array([price]))
    flags = np.array([promotion or [0.0] * len(price)])
    back = np.zeros((others, path.shape[1]))
    back[:, 10:12] = back[:, 30:31] = np.log(0.8)
    log_price = np.concatenate([path, back])
    return part_prices(log_price, np.ones_like(log_price), np.concatenate([flags, np.zeros_like(back)]))


def test_a_cut_that_comes_back_is_temporary() -> None:
    paths = parted([4.0] * 20 + [3.0] * 2 + [4.0] * 20)
    assert np.allclose(np.exp(paths.regular[0]), 4.0)
    assert paths.depth[0, 20:22] == pytest.approx(np.log(4 / 3))
    assert (np.delete(paths.depth[0], [20, 21]) == 0).all()


def test_a_price_that_stays_lower_is_regular_from_its_first_week_on() -> None:
    paths = parted([4.0] * 20 + [3.0] * 20)
    assert np.allclose(np.exp(paths.regular[0]), [4.0] * 20 + [3.0] * 20)
    assert (paths.depth == 0).all()


def test_a_higher_price_is_regular_at_once() -> None:
    paths = parted([4.0] * 20 + [5.0] * 3)
    assert np.exp(paths.regular[0, -1]) == pytest.approx(5.0)


def test_an_announced_promotion_of_the_last_week_is_temporary() -> None:
    paths = parted([4.0] * 30 + [3.0], [0.0] * 30 + [1.0])
    assert np.exp(paths.regular[0, -1]) == pytest.approx(4.0)


def test_a_cut_of_the_last_week_is_what_most_cuts_of_the_shop_were() -> None:
    price = [4.0] * 40 + [3.0]
    assert np.exp(parted(price).regular[0, -1]) == pytest.approx(3.0)
    assert np.exp(parted(price, others=6).regular[0, -1]) == pytest.approx(4.0)


def test_cuts_of_every_other_week_leave_the_regular_price_where_it_is() -> None:
    paths = parted([4.0, 3.0] * 20)
    assert np.allclose(np.exp(paths.regular[0]), 4.0)


def test_a_price_that_moves_every_week_has_no_cuts() -> None:
    rng = np.random.default_rng(1)
    paths = parted((4 * np.exp(np.cumsum(rng.normal(0, 0.04, 60)))).tolist())
    assert (paths.depth > 0).mean() < 0.05


def test_weeks_without_stock_do_not_move_the_regular_price() -> None:
    log_price = np.log(np.array([[4.0] * 10 + [1.0] * 3 + [4.0] * 10]))
    seen = np.ones_like(log_price)
    seen[0, 10:13] = 0
    assert np.allclose(np.exp(part_prices(log_price, seen, np.zeros_like(seen)).regular), 4.0)
