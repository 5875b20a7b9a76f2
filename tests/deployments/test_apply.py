"""Deploying flows: what prefect.yaml no longer has is removed, and a schedule that makes no run is an error."""

from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from prefect.client.schemas.objects import StateType
from prefect.client.schemas.schedules import IntervalSchedule
from prefect.settings import PREFECT_API_URL, temporary_settings

from blocks.channel import Channel
from blocks.lake import Lake
from blocks.lake_block import LakeBlock
from deployments.apply import PREFECT_FILE, next_run, reconcile
from pricewright.core.errors import DeploymentError
from tasks.releases import promote_release
from tests.deployments.conftest import Platform
from tests.tasks.racing import sixteen

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


def test_a_run_of_the_worker_uses_the_lake_that_its_block_says_now_and_deploying_keeps_it(
    platform: Platform, tmp_path: Path
) -> None:
    lake = Lake(str(tmp_path / "lake"))
    old, (new, *_) = sixteen(lake.url, tmp_path)
    for release in (old, new):
        promote_release(lake, release, "production", 1)
    with temporary_settings({PREFECT_API_URL: platform.stack.environment["PREFECT_API_URL"]}):
        assert LakeBlock.load("pricewright").url == platform.stack.store
        try:
            LakeBlock(url=lake.url).save("pricewright", overwrite=True)
            again = platform.checkout.pricewright("deploy-flows")
            assert again.returncode == 0 and "kept as they are on the server: pricewright-lake" in again.stdout
            run = platform.wait(platform.run("roll-back/on-demand"))
            assert run.state is not None and run.state.type == StateType.COMPLETED, run.state
            pointer = Channel(lake).read()
            assert pointer is not None and pointer.release == old
        finally:
            named = platform.checkout.pricewright("deploy-flows", "--store", platform.stack.store)
        assert named.returncode == 0 and LakeBlock.load("pricewright").url == platform.stack.store


def test_a_schedule_that_makes_no_run_is_an_error(platform: Platform) -> None:
    paused = platform.client.read_deployment_by_name("release-model/on-demand")
    with pytest.raises(DeploymentError, match="the server scheduled no run within"):
        next_run(platform.client, paused.id, patience=1)
