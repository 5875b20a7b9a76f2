"""Brings a Prefect server to what this checkout says: variables, work pool, deployments, blocks, automations."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from string import Template
from typing import Any, Self
from uuid import UUID
from zoneinfo import available_timezones

import yaml
from prefect.blocks.notifications import CustomWebhookNotificationBlock
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterDeploymentId, FlowRunFilterState
from prefect.client.schemas.filters import FlowRunFilterStateType as StateTypes
from prefect.client.schemas.objects import StateType
from prefect.events.schemas.automations import AutomationCore
from prefect.exceptions import ObjectNotFound
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from blocks.register import register_blocks, use_lake
from pricewright.core.errors import DeploymentError, ParameterError

PREFIX = "PRICEWRIGHT_"
WORK_POOLS = Path(__file__).with_name("work_pools.yaml")
CONTAINER_MEMORY = "{{ memory }}"
AUTOMATIONS = Path(__file__).with_name("automations.yaml")
WAITS = {"STUCK_SECONDS": "21600", "LOST_SECONDS": "180", "BACKUP_SECONDS": "900", "WORKER_SECONDS": "120"}
NAME = "pricewright-notice"
TEXT = {"text": "{{subject}}: {{body}}", "subject": "{{subject}}", "body": "{{body}}"}
SEND = "send-notification"
PREFECT_FILE = "prefect.yaml"
WEEKLY = "refresh-prices/weekly"
PATIENCE = 60.0  # seconds until the scheduler has made the next run
Tell = Callable[[str], None]


class Variables(BaseModel):
    """The variables by name, in lower case and without their prefix PRICEWRIGHT_."""

    model_config = ConfigDict(frozen=True)

    root: str = Field(description="The checkout that the flows run in, where they run.")
    work_pool: str = Field(default="pricewright-process", pattern=r"^[a-z0-9][a-z0-9-]*$", description="The work pool.")
    store: str = Field(default="./lake", min_length=1, description="The lake.")
    source: str = Field(default="", description="Where the sales are: a file, a folder or s3://...; empty: simulated.")
    cron: str = Field(default="0 6 * * 1", description="When the weekly run starts.")
    time_zone: str = Field(default="UTC", description="The time zone of `cron`, such as Europe/London.")
    notify_url: str = Field(
        default="http://127.0.0.1:8080/notices",
        pattern=r"^https?://",
        description="Where notifications go: a webhook that takes JSON.",
    )
    notify_block: str = Field(
        default="",
        pattern=r"^([a-z0-9-]+/[a-z0-9-]+)?$",
        description="A notification block of Prefect's that gets them as well: <type>/<name>, as sendgrid-email/ops.",
    )

    @field_validator("cron")
    @classmethod
    def _is_a_schedule(cls, cron: str) -> str:
        from prefect.client.schemas.schedules import CronSchedule

        CronSchedule(cron=cron)
        return cron

    @field_validator("time_zone")
    @classmethod
    def _is_on_the_map(cls, time_zone: str) -> str:
        if time_zone not in available_timezones():
            raise ValueError("is not a time zone of the IANA database, such as Europe/London")
        return time_zone

    @classmethod
    def from_environment(cls, environment: Mapping[str, str], root: Path) -> Self:
        """Those that are set, and the defaults. Raises ParameterError for the first that breaks its rule."""
        given = {
            name: environment[f"{PREFIX}{name.upper()}"]
            for name in cls.model_fields
            if environment.get(f"{PREFIX}{name.upper()}")
        }
        try:
            return cls(**{"root": str(root)} | given)
        except ValidationError as error:
            first = error.errors()[0]
            name = f"{PREFIX}{str(first['loc'][0]).upper()}"
            raise ParameterError(f"{name} is {first['input']!r}: {first['msg']}.", hint="docs/operating.md.") from None

    def environment(self) -> dict[str, str]:
        """The variables as prefect.yaml names them; every one has a value."""
        return {f"{PREFIX}{name.upper()}": str(value) for name, value in self.model_dump().items()}


def unset_variables(text: str, values: Mapping[str, str]) -> list[str]:
    """Names that a template `{{ $NAME }}` asks for and nobody gives: Prefect would deploy them as they stand."""
    return sorted({name for name in re.findall(r"\{\{\s*\$(\w+)\s*\}\}", text) if name not in values})


def read_work_pool(name: str, values: Mapping[str, str], path: Path = WORK_POOLS) -> tuple[str, dict[str, Any]]:
    """Type and job variables of a pool. Raises ParameterError for an unknown pool, or a $NAME that nobody gives."""
    pools: dict[str, Any] = yaml.safe_load(path.read_text())
    if name not in pools:
        raise ParameterError(f"{path.name} has no work pool {name}.", hint=f"it has {', '.join(pools)}.")
    try:
        variables = _fill(pools[name]["job_variables"], values)
    except KeyError as error:
        raise ParameterError(
            f"work pool {name} needs {error.args[0]}, which is not set.", "docs/operating.md."
        ) from None
    return str(pools[name]["type"]), variables


def apply_work_pool(client: SyncPrefectClient, name: str, kind: str, variables: Mapping[str, Any]) -> None:
    """Make the pool, or give the one that is there these defaults."""
    template = job_template(kind, variables)
    try:
        known = client.read_work_pool(name)
    except ObjectNotFound:
        client.create_work_pool(WorkPoolCreate(name=name, type=kind, base_job_template=template))
        return
    if known.type != kind:
        raise ParameterError(f"work pool {name} is of type {known.type}, not {kind}.", hint="delete it first.")
    client.update_work_pool(name, WorkPoolUpdate(base_job_template=template))


def job_template(kind: str, variables: Mapping[str, Any]) -> dict[str, Any]:
    """The pool type's own form with our values as its defaults. Raises ParameterError for a variable it lacks."""
    template: dict[str, Any] = deepcopy(_worker(kind).get_default_base_job_template())
    form = template["variables"]["properties"]
    for name, value in variables.items():
        if name not in form:
            raise ParameterError(f"a work pool of type {kind} has no job variable {name}.", hint=", ".join(form))
        form[name]["default"] = value
    if kind == "ecs":  # without it RunTask needs the memory twice: for the task, and for its container
        container = template["job_configuration"]["task_definition"]["containerDefinitions"][0]
        container["memory"] = CONTAINER_MEMORY
    return template


def _worker(kind: str) -> Any:
    if kind == "process":
        from prefect.workers.process import ProcessWorker

        return ProcessWorker
    from prefect_aws import ECSWorker

    return ECSWorker


def _fill(value: Any, values: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        return {name: _fill(entry, values) for name, entry in value.items()}
    if isinstance(value, list):  # one entry may stand for several, with commas
        return [part for entry in value for part in _fill(entry, values).split(",")]
    return Template(value).substitute(values) if isinstance(value, str) else value


def read_automations(
    values: Mapping[str, str], also: UUID | None = None, path: Path = AUTOMATIONS
) -> list[AutomationCore]:
    """The automations with `values` for $NAMES; every notice goes to the block `also` too, if there is one.

    Raises ParameterError for a name that has no value.
    """
    try:
        text = Template(path.read_text()).substitute(WAITS | dict(values))
    except KeyError as error:
        raise ParameterError(f"{path.name} asks for ${error.args[0]}, which nobody gives.") from None
    entries: list[dict[str, Any]] = yaml.safe_load(text)["automations"]
    if also:
        for entry in entries:
            notices = [action for action in entry["actions"] if action["type"] == SEND]
            entry["actions"] += [notice | {"block_document_id": str(also)} for notice in notices]
    return [AutomationCore.model_validate(entry) for entry in entries]


def apply_automations(client: SyncPrefectClient, automations: list[AutomationCore]) -> None:
    """Bring the server's automations to these. One that is as it should be is not touched.

    An automation that is changed keeps its id, but forgets what it waits for; one that an operator has switched off
    stays off. Names are not unique on a server: of several so called, the oldest stays.
    """
    for wanted in automations:
        found = client.read_automations_by_name(wanted.name)
        if not found:
            client.create_automation(wanted)
            continue
        *twins, known = found  # the last of them was changed first
        wanted = wanted.model_copy(update={"enabled": known.enabled})
        if AutomationCore.model_validate(known.model_dump()) != wanted:
            client.update_automation(known.id, wanted)
        for twin in twins:
            client.delete_automation(twin.id)


def apply_notice(url: str) -> UUID:
    """The block's id; a block of that name gets the new address."""
    block = CustomWebhookNotificationBlock(
        name="Pricewright", url=url, method="POST", json_data=TEXT, cookies=None, headers=None
    )
    return UUID(str(block.save(NAME, overwrite=True)))


def find_notice(client: SyncPrefectClient, block: str) -> UUID | None:
    """The id of a document such as sendgrid-email/ops; none for an empty name.

    Raises ParameterError when the server has none of this name, or one that sends nothing.
    """
    if not block:
        return None
    kind, _, name = block.partition("/")
    try:
        document = client.read_block_document_by_name(name, kind)
    except ObjectNotFound:
        raise ParameterError(
            f"PRICEWRIGHT_NOTIFY_BLOCK is {block}: the server has no such block.",
            hint="make one in Prefect's UI under Blocks, such as SendgridEmail for e-mail.",
        ) from None
    if document.block_schema is None or "notify" not in document.block_schema.capabilities:
        raise ParameterError(f"PRICEWRIGHT_NOTIFY_BLOCK is {block}: a block of this type sends no notifications.")
    return document.id


@dataclass(frozen=True)
class Applied:
    """The deployments by name, and when the next weekly run starts (UTC)."""

    deployments: tuple[str, ...]
    next_run: datetime


def apply(root: Path, environment: Mapping[str, str], tell: Tell = lambda words: None, store: str = "") -> Applied:
    """Check everything, then deploy. Raises ParameterError for a variable, DeploymentError when it did not work.

    `store`: the lake of the flows, whatever its block says; empty: PRICEWRIGHT_STORE, where there is no block yet.
    """
    environment = dict(environment) | ({"PRICEWRIGHT_STORE": store} if store else {})
    variables = Variables.from_environment(environment, root)
    values = dict(environment) | variables.environment()
    kind, job_variables = read_work_pool(variables.work_pool, values)
    text = (root / PREFECT_FILE).read_text()
    missing = unset_variables(text, values)
    if missing:
        raise DeploymentError(f"{PREFECT_FILE} asks for {', '.join(missing)}, which nobody sets.")
    with get_client(sync_client=True) as client:
        apply_work_pool(client, variables.work_pool, kind, job_variables)
        tell(f"work pool {variables.work_pool} ({kind})")
        _deploy(root, values)
        names = reconcile(client, yaml.safe_load(text)["deployments"], root)
        tell(f"deployments {', '.join(names)}")
        if store:
            use_lake(store, values)
        blocks = register_blocks(variables.store, values, keep=True)
        tell(f"blocks {', '.join(blocks)}")
        if kept := [name for name, how in blocks.items() if how == "kept"]:
            tell(f"kept as they are on the server: {', '.join(kept)} (register-blocks brings them to the environment)")
        weekly = client.read_deployment_by_name(WEEKLY)
        notice = apply_notice(variables.notify_url)
        given = {"NOTICE": str(notice), "WEEKLY": str(weekly.id), "WORK_POOL": variables.work_pool}
        automations = read_automations(values | given, find_notice(client, variables.notify_block))
        apply_automations(client, automations)
        tell(f"{len(automations)} automations")
        return Applied(names, next_run(client, weekly.id))


def reconcile(client: SyncPrefectClient, wanted: list[dict[str, Any]], root: Path) -> tuple[str, ...]:
    """Remove schedules that prefect.yaml no longer has: Prefect leaves them. Returns the deployments' names."""
    names = []
    for entry in wanted:
        name = f"{_flow_name(root, entry['entrypoint'])}/{entry['name']}"
        known = client.read_deployment_by_name(name)
        slugs = {schedule.get("slug") for schedule in entry.get("schedules", [])}
        for schedule in known.schedules:
            if schedule.slug not in slugs:
                client.delete_deployment_schedule(known.id, schedule.id)
        names.append(name)
    return tuple(names)


def next_run(client: SyncPrefectClient, deployment: Any, patience: float = PATIENCE) -> datetime:
    """When the next scheduled run starts. Raises DeploymentError when the server schedules none."""
    deadline = time.monotonic() + patience
    scheduled = FlowRunFilter(
        deployment_id=FlowRunFilterDeploymentId(any_=[deployment]),
        state=FlowRunFilterState(type=StateTypes(any_=[StateType.SCHEDULED])),
    )
    while True:
        runs = client.read_flow_runs(flow_run_filter=scheduled)
        times = [run.next_scheduled_start_time for run in runs if run.auto_scheduled and run.next_scheduled_start_time]
        if times:
            return min(times)
        if time.monotonic() > deadline:
            raise DeploymentError(
                f"{WEEKLY} was deployed, but the server scheduled no run within {patience:g} s.",
                hint="is the schedule paused, or do the server's services not run?",
            )
        time.sleep(0.5)


def _deploy(root: Path, values: Mapping[str, str]) -> None:
    """`prefect deploy --all`, which reads prefect.yaml."""
    command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all", "--prefect-file", PREFECT_FILE]
    environment = dict(os.environ) | dict(values)
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True)  # noqa: S603
    if done.returncode:
        last = (done.stdout + done.stderr).strip().splitlines()[-5:]
        raise DeploymentError(f"prefect deploy ended with {done.returncode}: {' '.join(last)}")


def _flow_name(root: Path, entrypoint: str) -> str:
    """`flows/refresh_prices.py:refresh_prices` -> refresh-prices: a flow is called as its function."""
    return entrypoint.rpartition(":")[2].replace("_", "-")
