"""Approval of a candidate: asked for in the UI or by command, believed only when signed, then served."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal
from uuid import UUID

from prefect import get_run_logger, suspend_flow_run, task
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowFilter, FlowFilterName, FlowRunFilter, FlowRunFilterState
from prefect.client.schemas.filters import FlowRunFilterStateType as StateTypes
from prefect.client.schemas.objects import State, StateType
from prefect.input import RunInput
from prefect.states import Cancelled, Completed
from pydantic import Field

from blocks.approval_key import ApprovalKey, load_approval_key
from blocks.lake import Lake
from blocks.lake_block import locate_lake
from pricewright.core.errors import ApprovalError
from pricewright.release.approval import Approval
from tasks.candidate import Candidate, examine_candidate
from tasks.decisions import finish, need_reason, record
from tasks.markdown import table_cells
from tasks.pages import readable_moves
from tasks.prefect_tasks import rename_run, tell_release, tell_waiting
from tasks.releases import now, promote_release
from tasks.review import readable_checks, review_page, summary
from tasks.workspace import Workspace, find_root

ATTEMPTS = 10  # answers that are not taken before the run gives up
FLOW = "release-model"


class DecisionForm(RunInput):
    """The form in the UI; `pricewright approve` and `reject` fill it in."""

    decision: Literal["approve", "reject"] = Field(description="Shall this release be served?")
    reviewer: str = Field(min_length=2, max_length=80, description="Who decides; the same as in the token.")
    override: str = Field(default="", max_length=500, description="Why, where a gate warned; the manifest keeps it.")
    note: str = Field(default="", max_length=500, description="Anything else that should be remembered.")
    token: str = Field(min_length=20, max_length=4000, description="The signature: `pricewright sign` prints it.")


def await_decision(candidate: Candidate, hours: float) -> Approval:
    """Suspend the run until somebody decides; no process is held meanwhile, the flow starts from the top afterwards.

    An answer that does not hold is asked for again. Raises ApprovalError when too many did not.
    """
    timeout = int(timedelta(hours=hours).total_seconds())
    tell_waiting(candidate.release, summary(candidate), now() + timedelta(seconds=timeout))
    return take_first_sound(candidate, lambda number, page: _suspend(number, page, timeout))


def take_first_sound(candidate: Candidate, answer: Callable[[int, str], DecisionForm]) -> Approval:
    """The first answer that holds; `answer(number, page)` gives the number-th, and returns at once if it was given."""
    trouble = ""
    for number in range(ATTEMPTS):
        form = answer(number, review_page(candidate, trouble))
        try:
            return check_answer(form, candidate)
        except ApprovalError as error:
            trouble = error.message
    raise ApprovalError(f"{ATTEMPTS} answers were not taken, the last because: {trouble}")


def check_answer(form: DecisionForm, candidate: Candidate, key: ApprovalKey | None = None) -> Approval:
    """The decision in a form, checked with this key, else with that of the run.

    Raises ApprovalError when it is not signed so, or approves a warning without a reason.
    """
    approval = (key or load_approval_key(os.environ)).verify(form.token, candidate.subject, now())
    filled_in = (form.decision, form.reviewer, form.override, form.note)
    signed = (approval.decision, approval.reviewer, approval.override, approval.note)
    if filled_in != signed:
        raise ApprovalError(
            f"the form says {filled_in}, the token was signed for {signed}.", hint="sign what you fill in."
        )
    need_reason(approval, candidate.warned)
    return approval


def _suspend(number: int, page: str, timeout: int) -> DecisionForm:
    form = DecisionForm.with_initial_data(description=page)
    answer: DecisionForm = suspend_flow_run(wait_for_input=form, timeout=timeout, key=f"decision-{number}")
    return answer


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


def find_lake(store: str) -> Lake:
    """The lake that was asked for, else that of the document or the environment, else that of the last run."""
    url, environment = locate_lake(store)
    return Lake(url or Workspace(find_root()).store, environment)


@task(name="examine", cache_policy=NO_CACHE, persist_result=False)
def examine(lake: Lake, release: str, channel: str) -> Candidate:
    """The candidate, its files verified."""
    candidate = examine_candidate(lake, release, channel)
    get_run_logger().info("%s against %s; warned: %s", release, candidate.served or "nothing", candidate.warned or "no")
    return candidate


def name_run(candidate: Candidate) -> None:
    """Call the run after the release, and let it be found by release, week and channel."""
    week = candidate.release.rpartition("-")[0]
    rename_run(candidate.release, [candidate.release, week, candidate.channel])


@task(name="show", cache_policy=NO_CACHE, persist_result=False)
def show(candidate: Candidate) -> None:
    """Leave what a reviewer should look at."""
    create_markdown_artifact(review_page(candidate), key="review", description=f"review of {candidate.release}")
    tables = {
        "candidate-metrics": candidate.metrics,
        "gates": readable_checks(candidate.gates),
        "moves": readable_moves(candidate.moves),
    }
    for key, rows in tables.items():
        create_table_artifact(table_cells(rows), key=key, description=candidate.release)


def not_released(candidate: Candidate, approval: Approval) -> State[Any]:
    """The end of a run whose candidate was rejected."""
    words = f"{approval.reviewer} rejected {candidate.release}: {approval.note or 'no reason given'}"
    return Cancelled(name="Rejected", message=words)


@task(name="release", cache_policy=NO_CACHE, persist_result=False)
def serve(lake: Lake, candidate: Candidate, approval: Approval, smoke_skus: int) -> str:
    """Write the approval down, then move the channel: killed between, the next try does the rest."""
    record(lake, approval)
    pointer = promote_release(lake, candidate.release, candidate.channel, smoke_skus, approval.reviewer, approval)
    finish(lake, approval, now())
    tell_release(pointer.release, candidate.channel, pointer.previous)
    get_run_logger().info("%s serves %s (before: %s)", candidate.channel, pointer.release, pointer.previous)
    return f"{candidate.channel} serves {pointer.release}, approved by {approval.reviewer}"


def release(lake: Lake, candidate: Candidate, approval: Approval) -> State[Any]:
    """Serve the candidate; the end of a run whose candidate was approved."""
    smoke_skus = int(Workspace(find_root()).parameters["promote"]["smoke_skus"])
    return Completed(name="Released", message=serve(lake, candidate, approval, smoke_skus))
