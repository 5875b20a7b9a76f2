"""The runs of release-model that wait for a person, and their answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowFilter, FlowFilterName, FlowRunFilter, FlowRunFilterState
from prefect.client.schemas.filters import FlowRunFilterStateType as StateTypes
from prefect.client.schemas.objects import StateType

from pricewright.core.errors import ApprovalError

FLOW = "release-model"


@dataclass(frozen=True)
class Waiting:
    """A run that waits, and what it was asked to release."""

    id: UUID
    name: str
    release: str
    channel: str
    store: str


def waiting_runs() -> list[Waiting]:
    """All runs that wait for a decision, the oldest first."""
    paused = FlowRunFilter(state=FlowRunFilterState(type=StateTypes(any_=[StateType.PAUSED])))
    named = FlowFilter(name=FlowFilterName(any_=[FLOW]))
    with get_client(sync_client=True) as client:
        runs = client.read_flow_runs(flow_filter=named, flow_run_filter=paused)
    return [_waiting(run) for run in sorted(runs, key=lambda run: str(run.created))]


def find_waiting(wanted: str) -> Waiting:
    """The run of this id, name or release; the only one that waits where nothing is given. Raises ApprovalError."""
    runs = waiting_runs()
    found = [run for run in runs if not wanted or wanted in (str(run.id), run.name, run.release)]
    if len(found) == 1:
        return found[0]
    names = ", ".join(run.name for run in runs) or "none"
    what = f"{len(found)} runs wait for a decision" + (f" and are called {wanted}" if wanted else "")
    raise ApprovalError(f"{what}: one is needed (waiting: {names}).", hint="pricewright waiting lists them.")


def answer_run(run: Waiting, answer: Mapping[str, Any]) -> None:
    """Give a run its answer: it goes on. Raises ApprovalError when the server does not take it."""
    with get_client(sync_client=True) as client:
        taken = client.resume_flow_run(run.id, run_input=dict(answer))
    if taken.status.value != "ACCEPT":  # the server says so in the body of a reply of status 200
        reason = getattr(taken.details, "reason", "") or taken.status.value
        raise ApprovalError(f"{run.name} did not take the answer: {reason}.", hint="does it still wait?")


def _waiting(run: Any) -> Waiting:
    request = run.parameters["request"]
    return Waiting(run.id, run.name, request["release"], request.get("channel", "production"), request.get("store", ""))
