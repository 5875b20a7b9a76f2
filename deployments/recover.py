"""`python -m deployments.recover`: ends the runs that died with this machine, and frees what they held.

A power cut leaves runs that a server takes for running, and the weekly deployment lets no second one start. The stack,
whose runs all work on its own machine, asks for this before its worker starts.
"""

from collections.abc import Callable, Iterator

import psutil
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitUpdate
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterDeploymentId, FlowRunFilterState
from prefect.client.schemas.filters import FlowRunFilterStateType as StateTypes
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.events import emit_event
from prefect.states import Cancelled, Crashed
from prefect.utilities.urls import url_for

AT_WORK = [StateType.PENDING, StateType.RUNNING, StateType.CANCELLING]
GONE = "its process is gone: it was killed, or the machine went down. The next run does what is left."
DIED = "pricewright.run.died"
PAGE = 200  # runs in one answer


def recover(
    client: SyncPrefectClient, alive: Callable[[int, FlowRun], bool], tell: Callable[[FlowRun], None]
) -> list[FlowRun]:
    """End the runs of deployments that have no process any more, then free the slots they held; returns the runs.

    alive: whether the process of this number is that of the run; tell: is called with each that is ended. Runs of no
    deployment may be at work elsewhere: they are left to the automation that misses their signs of life.
    """
    lost = [run for run in runs_at_work(client) if is_lost(run, alive)]
    for run in lost:
        cancelled = run.state is not None and run.state.type == StateType.CANCELLING
        client.set_flow_run_state(run.id, Cancelled(message=GONE) if cancelled else Crashed(message=GONE))
        tell(run)
    free_slots(client)
    return lost


def runs_at_work(client: SyncPrefectClient) -> Iterator[FlowRun]:
    """Every run of a deployment that the server takes for one at work."""
    wanted = FlowRunFilter(
        state=FlowRunFilterState(type=StateTypes(any_=AT_WORK)), deployment_id=FlowRunFilterDeploymentId(is_null_=False)
    )
    offset = 0
    while runs := client.read_flow_runs(flow_run_filter=wanted, limit=PAGE, offset=offset):
        yield from runs
        offset += PAGE


def is_lost(run: FlowRun, alive: Callable[[int, FlowRun], bool]) -> bool:
    """Whether a run that should be at work is not: its process has ended, or it never got one."""
    pid = run.infrastructure_pid or ""
    return not (pid.isdecimal() and alive(int(pid), run))


def has_process(pid: int, run: FlowRun) -> bool:
    """Whether a process of this number is there that is not younger than the run: numbers come again."""
    try:
        began = psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        return False
    return run.start_time is None or began <= run.start_time.timestamp()


def send_event(run: FlowRun) -> None:
    """An event of our own, for the notice: the state's own one would wait for those that the power cut has lost."""
    about = {"prefect.resource.id": f"{DIED}.{run.id}", "prefect.resource.name": run.name}
    payload = {"run": run.name, "why": GONE, "link": url_for(run, url_type="ui") or ""}
    emit_event(DIED, about, payload=payload)


def free_slots(client: SyncPrefectClient) -> None:
    """No deployment holds more slots than it has runs at work: a server that was killed may have kept some."""
    held: dict[object, int] = {}
    for run in runs_at_work(client):
        held[run.deployment_id] = held.get(run.deployment_id, 0) + 1
    for deployment in client.read_deployments():
        limit = deployment.global_concurrency_limit
        if limit is not None and limit.active_slots > held.get(deployment.id, 0):
            freed = GlobalConcurrencyLimitUpdate(active_slots=held.get(deployment.id, 0))
            client.update_global_concurrency_limit(str(limit.id), freed)


def main() -> None:
    """Recover on the server that PREFECT_API_URL names, and say what was ended, a line each."""
    with get_client(sync_client=True) as client:
        for run in recover(client, has_process, send_event):
            print(f"{run.name} had died: it is called crashed now")  # noqa: T201


if __name__ == "__main__":
    main()
