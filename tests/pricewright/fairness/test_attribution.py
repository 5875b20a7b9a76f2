"""SHAP values of groups of inputs: exact, never of a torn price, the same for the same seed."""

from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from polars.testing import assert_frame_equal

from pricewright.core.errors import ParameterError
from pricewright.fairness import Fairness
from pricewright.fairness.attribution import GroupMasker, Sample, explain, group_inputs

FEATURES = ("units_lag_1", "units_lag_2", "registered_share", "week")
PATTERNS = {"customer_mix": ["registered*"], "sales_history": ["units*"]}
Rows = NDArray[np.float32]


@pytest.fixture(scope="module")
def sample() -> Sample:
    rng = np.random.default_rng(2)
    inputs, background = (rng.normal(size=(n, 7)).astype(np.float32) for n in (25, 9))
    return Sample(inputs, background, pl.DataFrame())


def test_features_that_no_pattern_names_are_other() -> None:
    groups = group_inputs(FEATURES, PATTERNS)
    assert groups == {"price": [4, 5, 6], "customer_mix": [2], "sales_history": [0, 1], "other": [3]}


def test_a_group_of_nothing_is_an_error() -> None:
    with pytest.raises(ParameterError, match=r"fairness\.groups\.weather is \['rain'\], which matches none"):
        group_inputs(FEATURES, PATTERNS | {"weather": ["rain"]})


def test_values_and_background_add_up_to_the_prediction(sample: Sample) -> None:
    def crossed(rows: Rows) -> Rows:
        return rows[:, 0] * rows[:, 4] + np.tanh(rows[:, 2]) * rows[:, 5] - rows[:, 6] ** 2

    values = explain(crossed, sample, group_inputs(FEATURES, PATTERNS))
    added = values.sum(axis=1) + crossed(sample.background).mean()
    np.testing.assert_allclose(added, crossed(sample.inputs), atol=1e-5)


def test_an_additive_model_is_split_as_it_is_built(sample: Sample) -> None:
    weights = np.array([0.5, -0.2, 1.0, 0.0, -1.0, 2.0, 0.3])
    groups = group_inputs(FEATURES, PATTERNS)
    values = explain(lambda rows: rows @ weights, sample, groups)
    parts = (sample.inputs - sample.background.mean(axis=0)) * weights
    expected = np.stack([parts[:, columns].sum(axis=1) for columns in groups.values()], axis=1)
    np.testing.assert_allclose(values, expected, atol=1e-5)


def test_a_price_is_never_torn_from_what_is_derived_from_it(sample: Sample) -> None:
    groups = group_inputs(FEATURES, PATTERNS)
    mask = GroupMasker(sample.background, list(groups.values()))
    row = sample.inputs[0]
    for known in np.ndindex(2, 2, 2, 2):
        (rows,) = mask(np.array(known, dtype=bool), row)
        price = row[4:] if known[0] else sample.background[:, 4:]
        np.testing.assert_array_equal(rows[:, 4:], np.broadcast_to(price, (9, 3)))


def shares(fairness: Fairness, group: str) -> pl.Series:
    return fairness.attributions.filter(pl.col("group") == group)["share"]


def test_a_model_that_ignores_the_price_owes_nothing_to_it(shop: Any) -> None:
    fairness = shop.assess(models={"network": lambda rows: rows[:, 0]})
    assert shares(fairness, "price").max() < 1e-12
    assert shares(fairness, "sales_history").min() == pytest.approx(1.0)


def test_a_model_of_the_price_owes_all_to_it(shop: Any) -> None:
    fairness = shop.assess(models={"network": lambda rows: -rows[:, 3]})
    assert shares(fairness, "price").min() == pytest.approx(1.0)


def test_shares_of_a_segment_add_up_to_one_for_every_model(shop: Any) -> None:
    models = shop.models | {"svr": lambda rows: np.tanh(rows).sum(axis=1)}
    found = shop.assess(models=models).attributions
    assert found["model"].unique(maintain_order=True).to_list() == ["network", "svr"]
    totals = found.group_by("model", "dimension", "segment").agg(pl.col("share").sum(), pl.col("rows").max())
    assert totals["share"].to_numpy() == pytest.approx(1.0)
    assert totals["rows"].unique().to_list() == [shop.params["explained_rows"]]


def test_the_order_of_the_panel_changes_nothing(shop: Any, fair: Fairness) -> None:
    again = shop.assess(panel=shop.panel.reverse())
    assert_frame_equal(again.attributions, fair.attributions)
    assert_frame_equal(again.segments, fair.segments)


def test_only_the_weeks_of_the_backtest_are_explained(shop: Any) -> None:
    with pytest.raises(ParameterError, match="no row of the weeks of the backtest"):
        shop.assess(panel=shop.panel.with_columns(pl.col("week").dt.offset_by("1y")))
