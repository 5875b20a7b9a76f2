"""Deploying flows: what prefect.yaml no longer has is removed, and a schedule that makes no run is an error."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import yaml
from prefect import flow
from prefect.blocks.notifications import CustomWebhookNotificationBlock
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.schedules import IntervalSchedule
from prefect.events.schemas.automations import Automation, AutomationCore
from prefect.events.schemas.events import ResourceSpecification
from prefect.exceptions import PrefectHTTPStatusError
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings
from prefect.states import Completed, Failed, Running

from blocks.channel import Channel
from blocks.lake import Lake
from blocks.lake_block import LakeBlock
from deployments.apply import (
    PREFECT_FILE,
    WORK_POOLS,
    Variables,
    find_notice,
    job_template,
    next_run,
    read_automations,
    read_work_pool,
    reconcile,
    unset_variables,
)
from deployments.stack import read_notices
from pricewright.core.errors import DeploymentError, ParameterError
from tasks.releases import promote_release
from testing.racing import sixteen
from tests.deployments.conftest import Platform, until

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


def test_the_server_makes_no_run_of_a_value_beyond_its_bounds(platform: Platform) -> None:
    with pytest.raises(PrefectHTTPStatusError, match=r"1\.7"):
        platform.run(WEEKLY, parameters={"price": {"minimum_probability": 1.7}})


def test_deploying_again_leaves_automations_as_they_are_and_mends_what_was_changed(platform: Platform) -> None:
    """An automation that is made or changed anew forgets what it waits for."""
    before = found_automations(platform)
    stuck, lost = (platform.client.read_automations_by_name(f"pricewright run {name}")[0] for name in ("stuck", "lost"))
    platform.client.update_automation(stuck.id, core_of(stuck, enabled=False, description="changed"))
    platform.client.create_automation(core_of(lost))
    again = platform.checkout.pricewright("deploy-flows")
    assert again.returncode == 0, again.stderr
    after = found_automations(platform)
    assert {name: ids[0] for name, ids in after.items()} == {name: ids[0] for name, ids in before.items()}
    assert {name for name in before if before[name] != after[name]} == {stuck.name}
    (mended,) = platform.client.read_automations_by_name(stuck.name)
    assert mended.description == stuck.description and not mended.enabled, "who switched it off meant it"
    assert len(platform.client.read_automations_by_name(lost.name)) == 1
    platform.client.update_automation(stuck.id, core_of(stuck))


def test_a_sign_of_life_that_comes_late_ends_no_run_that_has_completed(platform: Platform) -> None:
    """A busy database delays events, and may lose that of the end."""
    with quick(platform, "pricewright run lost"):
        ended, lost = running(platform), running(platform)
        platform.client.set_flow_run_state(ended.id, Completed(), force=True)
        for run in (ended, lost):
            about = {"prefect.resource.id": f"prefect.flow-run.{run.id}", "prefect.resource.name": run.name}
            emit(platform, "prefect.flow-run.heartbeat", about, (TAG,))
        platform.wait(lost, StateType.CRASHED)
        time.sleep(5)
        state = platform.client.read_flow_run(ended.id).state
    assert state is not None and state.type == StateType.COMPLETED
    assert not [notice for notice in read_notices(platform.stack, 0) if ended.name in notice["body"]]


def test_a_second_block_gets_every_notice_and_one_that_is_not_there_is_an_error(platform: Platform) -> None:
    block = CustomWebhookNotificationBlock(name="ops", url=f"{platform.stack.playground}/notices", json_data={})
    settings = {each: platform.stack.environment[each.name] for each in (PREFECT_API_URL, PREFECT_API_AUTH_STRING)}
    with temporary_settings(settings):
        made = UUID(str(block.save("ops", overwrite=True)))
    assert find_notice(platform.client, "custom-webhook/ops") == made and find_notice(platform.client, "") is None
    values = Variables.from_environment({}, ROOT).environment() | {"NOTICE": str(made), "WEEKLY": str(made),
                                                                   "WORK_POOL": "pool"}  # fmt: skip
    other = UUID(int=7)
    for alone, both in zip(read_automations(values), read_automations(values, other), strict=True):
        count = sum(action.type == "send-notification" for action in alone.actions)
        assert len(both.actions) == len(alone.actions) + count
    with pytest.raises(ParameterError, match="the server has no such block"):
        find_notice(platform.client, "sendgrid-email/nobody")
    with pytest.raises(ParameterError, match="sends no notifications"):
        find_notice(platform.client, "pricewright-lake/pricewright")


def core_of(known: Automation, **changes: Any) -> AutomationCore:
    """What an automation says, as it is written."""
    return AutomationCore(**known.model_dump(exclude={"id", "owner_resource"}) | changes)


def found_automations(platform: Platform) -> dict[str, tuple[str, str]]:
    """Id and trigger of each by name."""
    found = platform.client._client.post("/automations/filter", json={}).json()
    return {one["name"]: (one["id"], one["trigger"]["id"]) for one in found}


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
    settings = {each: platform.stack.environment[each.name] for each in (PREFECT_API_URL, PREFECT_API_AUTH_STRING)}
    with temporary_settings(settings):
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
    given = dict.fromkeys(unset_names(WORK_POOLS.read_text()), "x")
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


TAG = {"prefect.resource.role": "tag", "prefect.resource.id": "prefect.tag.pricewright"}
API = {"prefect.resource.id": "pricewright.price-api.of-the-test"}


@flow(name="at-work")
def at_work() -> None:
    """A run of this is set to any state, and never works."""


@contextmanager
def quick(platform: Platform, name: str, match: dict[str, str] | None = None) -> Iterator[None]:
    """The automation of this name, waiting for ten seconds instead of minutes or hours."""
    (known,) = platform.client.read_automations_by_name(name)
    changed: dict[str, Any] = {"within": timedelta(seconds=10)}
    changed |= {"match": ResourceSpecification(match)} if match else {}
    copy = AutomationCore(name="quick", trigger=known.trigger.model_copy(update=changed), actions=known.actions)
    made = platform.client.create_automation(copy)
    try:
        yield
    finally:
        platform.client.delete_automation(made)


def running(platform: Platform) -> FlowRun:
    """A run that the server takes for one at work."""
    run = platform.client.create_flow_run(at_work, tags=["pricewright"])
    platform.client.set_flow_run_state(run.id, Running(), force=True)
    return run


def emit(platform: Platform, event: str, about: dict[str, str], related: tuple[dict[str, str], ...] = ()) -> None:
    body = {"event": event, "resource": about, "related": list(related), "occurred": datetime.now(UTC).isoformat()}
    platform.client._client.post("/events", json=[body | {"id": os.urandom(16).hex()}]).raise_for_status()


def noticed(platform: Platform, subject: str, about: str = "") -> dict[str, str]:
    """The first notice of this subject, once it has come; about: what its text has to name."""

    def find() -> dict[str, str] | None:
        notices = (notice for notice in read_notices(platform.stack, 0) if about in notice["body"])
        return next((notice for notice in notices if notice["subject"] == subject), None)

    found: dict[str, str] = until(find, f"the notice: {subject}")
    return found


def test_a_price_api_that_stays_on_a_backup_is_noticed(platform: Platform) -> None:
    with quick(platform, "pricewright API on a backup", API):
        emit(platform, "pricewright.price-api.serves-from-backup", API)
        noticed(platform, "prices come from a backup")


def test_a_run_that_works_too_long_is_cancelled(platform: Platform) -> None:
    with quick(platform, "pricewright run stuck"):
        run = running(platform)
        noticed(platform, "a run is stuck")
        ended = platform.wait(run, StateType.CANCELLING, StateType.CANCELLED)
    assert ended.state is not None and ended.state.type in (StateType.CANCELLING, StateType.CANCELLED)


def test_a_run_without_a_sign_of_life_is_called_crashed(platform: Platform) -> None:
    with quick(platform, "pricewright run lost"):
        run = running(platform)
        about = {"prefect.resource.id": f"prefect.flow-run.{run.id}", "prefect.resource.name": run.name}
        emit(platform, "prefect.flow-run.heartbeat", about, (TAG,))
        ended = platform.wait(run, StateType.CRASHED)
        noticed(platform, "a run is lost")
    assert ended.state is not None and "no sign of life" in (ended.state.message or "")


def test_a_worker_that_is_gone_is_noticed_and_one_that_comes_back_is_not(platform: Platform) -> None:
    gone, back = ({"prefect.resource.id": f"prefect.work-pool.{name}", "prefect.resource.name": "pricewright-process"}
                  for name in ("gone", "back"))  # fmt: skip
    with quick(platform, "pricewright worker gone"):
        for about in (gone, back):
            emit(platform, "prefect.work-pool.not-ready", about)
        emit(platform, "prefect.work-pool.ready", back)
        assert "pricewright-process" in noticed(platform, "the worker is gone")["body"]
        time.sleep(5)
    assert [one["subject"] for one in read_notices(platform.stack, 0)].count("the worker is gone") == 1


def test_a_weekly_run_that_failed_is_noticed_and_one_that_a_gate_blocked_is_not_noticed_twice(
    platform: Platform,
) -> None:
    def failed(message: str) -> FlowRun:
        run = platform.client.create_flow_run(at_work, tags=["pricewright", "weekly"])
        for state in (Running(), Failed(message=message)):
            platform.client.set_flow_run_state(run.id, state, force=True)
        return run

    blocked = failed("Flow run encountered an exception: GateBlocked: not promoted. drift blocks: ...")
    lost = failed("Flow run encountered an exception: SourceError: sales.csv does not exist.")
    notice = noticed(platform, "the weekly run failed", about=lost.name)
    assert "sales.csv does not exist" in notice["body"]
    assert str(lost.id) in notice["body"], "it says where to look"
    assert not [one for one in read_notices(platform.stack, 0) if blocked.name in one["body"]]
