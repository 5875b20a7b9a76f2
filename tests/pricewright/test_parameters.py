"""Every number of params.yaml has a type, bounds and a sentence; a value beyond them is refused by its name."""

import copy
import math
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from pricewright.core.errors import ParameterError
from pricewright.parameters import check_parameters, json_schema, list_parameters

ROOT = Path(__file__).parents[2]
SHIPPED: dict[str, Any] = yaml.safe_load((ROOT / "params.yaml").read_text())

WRONG = [
    ("price.minimum_probability", 1.7, "it must be less than or equal to 1"),
    ("drift.method", "psy", "it must be 'psi', 'wasserstein', 'hellinger' or 'jensenshannon'"),
    ("train.network.epochs", 0, "it must be greater than or equal to 1"),
    ("ingest.decimal_sign", ";", "it must be ',' or '.'"),
    ("price.endings", [0.99, 1.2], "it must be less than 1"),
    ("drift.thresholds.missing_skus.warn", math.inf, "it must be a finite number"),
    ("market.seed", -1, "it must be greater than or equal to 0"),
]


def leaves(values: Any, at: str = "") -> list[tuple[str, Any]]:
    if not isinstance(values, dict) or not values:
        return [(at, values)]
    return [leaf for name, inner in values.items() for leaf in leaves(inner, f"{at}.{name}" if at else name)]


def changed(name: str, value: Any) -> dict[str, Any]:
    parameters = copy.deepcopy(SHIPPED)
    section: Any = parameters
    *way, last = name.split(".")
    for key in way:
        section = section[key]
    section[last] = value
    return parameters


def alone(name: str, value: Any) -> dict[str, Any]:
    for key in reversed(name.split(".")):
        value = {key: value}
    return value


def test_what_ships_keeps_every_rule_and_every_value_has_a_rule_and_a_sentence() -> None:
    check_parameters(SHIPPED)
    entries = list_parameters(SHIPPED)
    known = {entry.name for entry in entries}
    above = {name.rpartition(".")[0] for name, _ in leaves(SHIPPED)}
    missing = [
        name for name, _ in leaves(SHIPPED) if name not in known and name.rpartition(".")[0] not in known & above
    ]
    assert missing == []
    assert [entry.name for entry in entries if not (entry.rule and entry.sentence.endswith("."))] == []


def test_every_number_has_bounds_on_both_sides() -> None:
    numbers = [entry for entry in list_parameters(SHIPPED) if "number" in entry.rule]
    assert len(numbers) > 150
    unbounded = [e.name for e in numbers if not any(w in e.rule for w in ("from", "above")) or
                 not any(w in e.rule for w in ("to ", "below"))]  # fmt: skip
    assert unbounded == []


@pytest.mark.parametrize(("name", "value", "rule"), WRONG)
def test_a_value_beyond_its_bounds_is_named_with_the_rule_and_what_it_is_for(name: str, value: Any, rule: str) -> None:
    for parameters in (changed(name, value), alone(name, value)):
        with pytest.raises(ParameterError, match=r"is .*: it must be") as caught:
            check_parameters(parameters)
        assert caught.value.message.startswith(name) and rule in caught.value.message
        assert len(caught.value.hint) > 20


@pytest.mark.parametrize(("name", "value", "rule"), [wrong for wrong in WRONG if wrong[1] != math.inf])
def test_the_schema_of_the_forms_refuses_the_same(name: str, value: Any, rule: str) -> None:
    jsonschema.validate(SHIPPED, json_schema())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(alone(name, value), json_schema())


def test_a_reach_that_goes_down_is_refused() -> None:
    with pytest.raises(ParameterError, match="low must be the smaller one"):
        check_parameters(changed("tune.svr.space.cost", {"low": 3.0, "high": 1.0, "log": True}))
