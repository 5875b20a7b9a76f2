"""The work pool that the deployments name: made as work_pools.yaml says, its defaults laid over its type's form."""

from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from string import Template
from typing import Any

import yaml
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
from prefect.exceptions import ObjectNotFound

from pricewright.core.errors import ParameterError

FILE = Path(__file__).with_name("work_pools.yaml")
CONTAINER_MEMORY = "{{ memory }}"


def read_work_pool(name: str, values: Mapping[str, str], path: Path = FILE) -> tuple[str, dict[str, Any]]:
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
