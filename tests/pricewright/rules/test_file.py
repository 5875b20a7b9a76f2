"""The rules file: what is wrong in it is told with its line, and the example has a rule of every kind."""

import re
from pathlib import Path

import pytest

from pricewright.core.errors import ParameterError
from pricewright.rules.file import BETWEEN, Between, OfItem, lines_of, read_rules
from pricewright.rules.limits import NARROW

DOCS = Path(__file__).parents[3] / "docs"
EXAMPLE = DOCS / "rules.example.yaml"
KINDS = {kind.model_fields["kind"].annotation.__args__[0] for kind in (*OfItem.__args__, *Between.__args__)}
FLOOR = "rules:\n  - name: a\n    kind: floor\n    price: 2\n"


def written(folder: Path, text: str) -> Path:
    path = folder / "rules.yaml"
    path.write_text(text)
    return path


def test_the_example_has_a_rule_of_every_kind() -> None:
    rules = read_rules(EXAMPLE)
    assert {rule.kind for rule in rules} == KINDS
    assert rules[0].at_least == 0.1 and rules[1].where.category == ("Juice",)


def test_the_page_explains_every_kind_and_key() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|", (DOCS / "rules.md").read_text(), flags=re.MULTILINE))
    keys = {
        kind.model_fields["kind"].annotation.__args__[0]: set(kind.model_fields) - {"name", "kind", "where"}
        for kind in (*OfItem.__args__, *Between.__args__)
    }
    assert {kind: set(re.findall(r"`(\w+)`", words)) for kind, words in rows.items()} == keys


def test_every_kind_is_either_of_one_item_or_between_items() -> None:
    assert set(NARROW) | {kind.model_fields["kind"].annotation.__args__[0] for kind in BETWEEN} == KINDS


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (FLOOR + "    prize: 3\n", "line 5, rules[0].prize is '3': there is no such key"),
        (FLOOR.replace("floor", "flour"), "line 2, rules[0] is"),
        (FLOOR.replace("    price: 2\n", ""), "line 2, rules[0]: price is missing"),
        (FLOOR.replace("price: 2", "price: -2"), "line 4, rules[0].price is '-2'"),
        (FLOOR + "    where: {colour: red}\n", "line 5, rules[0].where.colour is 'red': there is no such key"),
        (FLOOR + FLOOR.removeprefix("rules:\n"), "two rules are called 'a'"),
        (
            "rules:\n- {name: a, kind: largest_step, at_most: 20}\n",
            "line 2, rules[0].at_most is '20': a share above 1 is 2000 %: write 20% or 0.2",
        ),
        ("rules:\n- {name: a, kind: endings, endings: [0.999]}\n", "whole cents"),
        ("rules:\n- {name: a, kind: competitor}\n", "lowest or highest is needed"),
        ("rules:\n- {name: a, kind: frozen, first: 2026-02-01, last: 2026-01-01}\n", "first is after last"),
        ("rules:\n- {name: a, kind: frozen, where: {sku: 1.10}}\n", "put codes in quotes"),
        ("rule: []\n", "line 1, rule is '[]': there is no such key"),
        ("- a\n- b\n", "rules.yaml: line 1"),
        ("rules: [\n", "rules.yaml is not YAML"),
        ("", "line 1, the file: rules is missing"),
    ],
)
def test_what_is_wrong_is_reported_with_its_line_and_value(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ParameterError) as raised:
        read_rules(written(tmp_path, text))
    assert message in raised.value.message
    assert raised.value.hint


def test_all_that_is_wrong_is_reported_at_once(tmp_path: Path) -> None:
    with pytest.raises(ParameterError) as raised:
        read_rules(written(tmp_path, FLOOR + "    prize: 3\n    were: {}\n"))
    assert "line 5" in raised.value.message and "line 6" in raised.value.message


def test_a_file_that_is_not_there_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="cannot be read"):
        read_rules(tmp_path / "none.yaml")


def test_the_line_of_each_rule_is_known(tmp_path: Path) -> None:
    path = written(tmp_path, FLOOR + "\n  - {name: b, kind: ceiling, price: 9}\n")
    assert lines_of(path) == {"a": 2, "b": 6}
