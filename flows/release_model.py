"""A candidate waits until a person has decided; only then it is served."""

from prefect import flow
from prefect.client.schemas.objects import State

from flows.forms import ReleaseRequest
from tasks.approval import await_decision, examine, find_lake, name_run, not_released, release, show
from tasks.prefect_tasks import log_failures_in_a_line


@flow(
    name="release-model",
    description="Serves a release once a person has approved it.",
    flow_run_name="release-model {request.release}",
    persist_result=False,
    on_running=[log_failures_in_a_line],
)
def release_model(request: ReleaseRequest) -> State:
    """Ask, and do what was decided. It starts from the top after the answer, so whatever acts comes after it."""
    lake = find_lake(request.store)
    candidate = examine(lake, request.release, request.channel)
    name_run(candidate)
    show(candidate)
    approval = await_decision(candidate, request.hours)
    if approval.decision == "reject":
        return not_released(candidate, approval)
    return release(lake, candidate, approval)
