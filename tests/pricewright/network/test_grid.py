"""What the curves are fitted on: weeks that chance all but excludes are none."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from pricewright.network.grid import grid_of, without_improbable_weeks

STEADY = [50, 46, 61, 55, 48, 52, 58, 44, 51, 47, 60, 49]


def seen(units: list[int]) -> list[float]:
    panel = pl.DataFrame(
        {
            "stock_code": ["A"] * len(units),
            "week": [date(2024, 1, 1) + timedelta(weeks=t) for t in range(len(units))],
            "units": [float(n) for n in units],
            "price": [2.0] * len(units),
        }
    )
    found: list[float] = without_improbable_weeks(grid_of(panel, 4)).seen[0].tolist()
    return found


def test_a_steady_seller_that_sells_nothing_and_comes_back_was_out_of_stock() -> None:
    assert seen([50, 46, 0, *STEADY, 0, 0, 52]) == [1, 1, 0, *[1] * 12, 0, 0, 1]


@pytest.mark.parametrize(
    "units",
    [
        [*STEADY, 0, 0, 0],  # nobody knows whether it comes back
        [2, 1, 3, 0, 2, 5, 1, 0, 2, 3, 1, 2],
        [40, 0, 0, 60, 0, 55, 0, 48, 0, 0, 52, 47],
    ],
    ids=["at the end", "a slow seller", "a seller by fits and starts"],
)
def test_other_weeks_without_a_sale_are_weeks_without_demand(units: list[int]) -> None:
    assert np.all(np.array(seen(units)) == 1)
