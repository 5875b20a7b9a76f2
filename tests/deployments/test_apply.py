"""Deploying flows: what prefect.yaml no longer has is removed, and a schedule that makes no run is an error."""

from datetime import timedelta

import pytest
import yaml
from prefect.client.schemas.schedules import IntervalSchedule

from deployments.apply import PREFECT_FILE, next_run, reconcile
from pricewright.core.errors import DeploymentError
from tests.deployments.conftest import Platform

pytestmark = pytest.mark.platform

WEEKLY = "refresh-prices/weekly"


def test_every_flow_of_the_project_is_deployed(platform: Platform) -> None:
    root = platform.checkout.root
    deployed = {entry["entrypoint"] for entry in yaml.safe_load((root / PREFECT_FILE).read_text())["deployments"]}
    flows = {path for path in (root / "flows").glob("*.py") if "\n@flow" in path.read_text()}
    assert {f"flows/{path.name}:{path.stem}" for path in flows} == deployed


def test_forms_have_a_description_for_every_field(platform: Platform) -> None:
    for deployment in platform.client.read_deployments():
        schema = deployment.parameter_openapi_schema
        for definition in schema.get("definitions", {}).values():
            for name, field in definition.get("properties", {}).items():
                assert field.get("description"), f"{deployment.name}: {definition['title']}.{name} says nothing"


def test_a_schedule_that_prefect_yaml_no_longer_has_is_removed(platform: Platform) -> None:
    client, root = platform.client, platform.checkout.root
    weekly = client.read_deployment_by_name(WEEKLY)
    client.create_deployment_schedules(weekly.id, [(IntervalSchedule(interval=timedelta(days=1)), True)])
    assert len(client.read_deployment_schedules(weekly.id)) == 2
    reconcile(client, yaml.safe_load((root / PREFECT_FILE).read_text())["deployments"], root)
    assert [schedule.slug for schedule in client.read_deployment_schedules(weekly.id)] == ["weekly"]


def test_a_schedule_that_makes_no_run_is_an_error(platform: Platform) -> None:
    paused = platform.client.read_deployment_by_name("release-model/on-demand")
    with pytest.raises(DeploymentError, match="the server scheduled no run within"):
        next_run(platform.client, paused.id, patience=1)
