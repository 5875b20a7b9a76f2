"""What looks back gives the same bits wherever it began, and what Polars says of the same weeks."""

import numpy as np
import polars as pl
import pytest

from pricewright.feature.past import (
    Past,
    least_before,
    mean_before,
    median_before,
    share_before,
    spread_before,
    sum_before,
)

RNG = np.random.default_rng(5)
VALUES = RNG.normal(3, 1, (40, 6)).round(3)
FIRST = np.array([0, 0, 3, 10, 36, 39])  # weeks in which the SKUs come


def past(start: int = 0) -> Past:
    """After 40 weeks, of which it saw those from `start` on."""
    found = Past({"value": 13}, 6)
    for t in range(start, 40):
        age = np.maximum(t + 1 - FIRST, 0)
        found.add({"value": np.where(age > 0, VALUES[t], 0.0)}, age)
    return found


def series(sku: int) -> pl.DataFrame:
    return pl.DataFrame({"value": [*VALUES[FIRST[sku] :, sku], None]})


LOOKS = {
    "mean": (mean_before("value", 13), pl.col("value").shift(1).rolling_mean(13, min_samples=1)),
    "sum": (sum_before("value", 8), pl.col("value").shift(1).rolling_sum(8, min_samples=1)),
    "median": (median_before("value", 13), pl.col("value").shift(1).rolling_median(13, min_samples=1)),
    "median of an even number": (median_before("value", 8), pl.col("value").shift(1).rolling_median(8, min_samples=1)),
    "spread": (spread_before("value", 13), pl.col("value").shift(1).rolling_std(13, min_samples=2)),
    "least": (least_before("value", 8), pl.col("value").shift(1).rolling_min(8, min_samples=1)),
}


@pytest.mark.parametrize("name", LOOKS)
def test_a_look_back_is_what_a_rolling_window_gives(name: str) -> None:
    look, expression = LOOKS[name]
    expected = [series(sku).select(expression).to_series()[-1] for sku in range(6)]
    assert look(past()) == pytest.approx([np.nan if v is None else v for v in expected], nan_ok=True)


@pytest.mark.parametrize("name", LOOKS)
def test_a_look_back_is_the_same_bit_for_bit_when_only_its_window_was_seen(name: str) -> None:
    look, _ = LOOKS[name]
    assert look(past(start=27)).tobytes() == look(past()).tobytes()


def test_a_share_of_nothing_is_unknown() -> None:
    found = Past({"part": 4, "whole": 4}, 2)
    found.add({"part": np.zeros(2), "whole": np.array([0.0, 2.0])}, np.ones(2, np.int64))
    assert np.isnan(share_before("part", "whole", 4)(found)[0])
    assert share_before("part", "whole", 4)(found)[1] == 0.0
