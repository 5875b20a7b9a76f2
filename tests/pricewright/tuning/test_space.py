"""A search space says clearly what is wrong with it."""

import re
from typing import Any

import pytest

from pricewright.core.errors import ParameterError
from pricewright.tuning.optimisers import Task, coarse_grid
from pricewright.tuning.space import Range, read_space


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({}, "search space is {}: it must name at least one hyperparameter"),
        ({"C": 1.0}, "search space of C is 1.0: it must be a mapping"),
        ({"C": {"low": 1.0}}, "search space of C has the keys ['low']"),
        ({"C": {"low": 1.0, "high": 2.0, "step": 1}}, "search space of C has the keys ['high', 'low', 'step']"),
        ({"C": {"low": 2.0, "high": 1.0}}, "search space of C runs from 2.0 to 1.0"),
        ({"C": {"low": 0, "high": 1.0, "log": True}}, "low > 0 with log"),
        ({"C": {"low": 1.5, "high": 3, "int": True}}, "whole numbers with int"),
        ({"C": {"low": "1e-3", "high": 3}}, "low of C is '1e-3': it must be a number. hint: YAML reads 1e-3 as a word"),
        ({"C": {"low": 1, "high": 3, "log": "yes"}}, "log of C is 'yes': it must be true or false"),
        ({"C": {"choices": []}}, "choices of C is []"),
        ({"C": {"choices": "abc"}}, "choices of C is 'abc'"),
        ({"C": {"choices": [[1]]}}, "choices of C is [[1]]"),
    ],
)
def test_a_wrong_space_names_the_hyperparameter_and_the_rule(spec: Any, message: str) -> None:
    with pytest.raises(ParameterError, match=re.escape(message)):
        read_space(spec)


def test_a_log_range_is_halved_at_its_geometric_mean() -> None:
    assert Range("C", 0.01, 100.0, log=True).at(0.5) == pytest.approx(1.0)
    assert Range("leaves", 4, 64, log=True, integer=True).at(0.5) == 16


def test_the_grid_stays_within_its_budget_and_repeats_no_point() -> None:
    space = read_space({"C": {"low": 0.01, "high": 100.0, "log": True}, "kernel": {"choices": ["a", "b", "c"]}})
    for budget in (1, 5, 6, 30):
        points = coarse_grid(Task(space, budget, seed=1))
        assert len({tuple(point.values()) for point in points}) == len(points) == budget
