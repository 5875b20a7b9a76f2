"""Variables of a deployment: each is checked, with its name, before anything is deployed."""

from pathlib import Path

import pytest
import yaml

from deployments.apply import PREFECT_FILE
from deployments.automations import read_automations
from deployments.variables import Variables, unset_variables
from deployments.work_pool import FILE, job_template, read_work_pool
from pricewright.core.errors import ParameterError

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CRON", "every monday"),
        ("TIME_ZONE", "Dublin"),
        ("WORK_POOL", "{{ $PRICEWRIGHT_WORK_POOL }}"),
        ("NOTIFY_URL", "slack"),
    ],
)
def test_a_variable_that_breaks_its_rule_is_named_with_its_value(name: str, value: str) -> None:
    with pytest.raises(ParameterError) as caught:
        Variables.from_environment({f"PRICEWRIGHT_{name}": value}, ROOT)
    assert f"PRICEWRIGHT_{name} is {value!r}" in caught.value.message


def test_no_deployment_names_a_lake_so_that_the_block_says_it() -> None:
    deployments = yaml.safe_load((ROOT / PREFECT_FILE).read_text())["deployments"]
    assert [one["name"] for one in deployments if "store" in one["parameters"].get("request", {})] == []


def test_every_variable_of_prefect_yaml_has_a_value_by_default() -> None:
    values = Variables.from_environment({}, ROOT).environment()
    assert unset_variables((ROOT / PREFECT_FILE).read_text(), values) == []
    assert unset_variables("pool: {{ $PRICEWRIGHT_POOL }}", values) == ["PRICEWRIGHT_POOL"]


def test_every_pool_has_only_job_variables_that_its_type_knows() -> None:
    given = dict.fromkeys(unset_names(FILE.read_text()), "x")
    for pool in ("pricewright-process", "pricewright-ecs"):
        kind, variables = read_work_pool(pool, given)
        form = job_template(kind, variables)["variables"]["properties"]
        assert {name: form[name]["default"] for name in variables} == variables
    with pytest.raises(ParameterError, match="no job variable memmory"):
        job_template("ecs", {"memmory": 1})


def test_a_pool_says_which_variable_it_lacks() -> None:
    with pytest.raises(ParameterError, match="work pool pricewright-ecs needs PRICEWRIGHT_"):
        read_work_pool("pricewright-ecs", {})


def test_an_automation_needs_every_name_that_it_uses() -> None:
    with pytest.raises(ParameterError, match=r"asks for \$NOTICE"):
        read_automations({})


def test_every_variable_stands_in_the_docs() -> None:
    text = (ROOT / "docs" / "operating.md").read_text()
    assert [name for name in Variables.from_environment({}, ROOT).environment() if f"`{name}`" not in text] == []


def unset_names(text: str) -> set[str]:
    import re

    return set(re.findall(r"\$(\w+)", text))
