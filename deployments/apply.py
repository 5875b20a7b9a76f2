"""Brings a server to what this checkout says: work pool, deployments, blocks, automations; and looks if it did."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterDeploymentId, FlowRunFilterState
from prefect.client.schemas.filters import FlowRunFilterStateType as StateTypes
from prefect.client.schemas.objects import StateType

from blocks.register import register_blocks, use_lake
from deployments.automations import apply_automations, read_automations
from deployments.notice import apply_notice
from deployments.variables import Variables, unset_variables
from deployments.work_pool import apply_work_pool, read_work_pool
from pricewright.core.errors import DeploymentError

PREFECT_FILE = "prefect.yaml"
WEEKLY = "refresh-prices/weekly"
PATIENCE = 60.0  # seconds until the scheduler has made the next run
Tell = Callable[[str], None]


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
        automations = read_automations(values | given)
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
