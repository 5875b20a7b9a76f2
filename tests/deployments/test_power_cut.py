"""A power cut in the middle of a run, and a database that keeps everybody waiting: the next week goes on as ever."""

import os
import signal
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path

import psutil
import pytest
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import FlowRun, StateType

from deployments.stack import read_notices, running_stack, socket_of
from testing.checkout import Checkout, make_checkout
from tests.deployments.conftest import WEEKLY, Platform, until

pytestmark = pytest.mark.platform
PATIENCE = 1200.0  # seconds; a tiny run takes 40 on two idle cores, and here its database waits as well


def _ended(platform: Platform, run: FlowRun) -> FlowRun | None:
    now = platform.client.read_flow_run(run.id)
    return now if now.state is not None and now.state.is_final() else None


def up(checkout: Checkout, ports: list[str], clients: ExitStack) -> Platform:
    started = checkout.pricewright("up", "--detach", *ports)
    assert started.returncode == 0, started.stdout + started.stderr
    stack = running_stack(checkout.root)
    assert stack is not None
    url, auth = (stack.environment[name] for name in ("PREFECT_API_URL", "PREFECT_API_AUTH_STRING"))
    client = clients.enter_context(SyncPrefectClient(url, auth_string=auth))
    return Platform(checkout, stack, client, started.stdout)


def cut_the_power(platform: Platform) -> None:
    """Every process of the stack ends at once, with no time to say anything."""
    supervisor = psutil.Process(int((Path(platform.stack.folder) / "supervisord.pid").read_text()))
    family = [supervisor.parent(), supervisor, *supervisor.children(recursive=True)]
    for process in family:
        if process is not None and process.pid != os.getpid():
            process.send_signal(signal.SIGKILL)
    psutil.wait_procs([process for process in family if process is not None], timeout=20)
    socket_of(platform.stack).unlink(missing_ok=True)


def hold_the_database(path: Path, seconds: float, times: int) -> threading.Thread:
    """Somebody else writes: nobody else may, for so long, again and again."""

    def hold() -> None:
        with closing(sqlite3.connect(path, timeout=60, isolation_level=None)) as database:
            for _ in range(times):
                database.execute("BEGIN IMMEDIATE")
                time.sleep(seconds)
                database.execute("ROLLBACK")
                time.sleep(1)

    thread = threading.Thread(target=hold)
    thread.start()
    return thread


def automations(client: SyncPrefectClient) -> dict[str, tuple[object, ...]]:
    """Id and trigger of each: a trigger of another id has forgotten what it waits for."""
    found = client._client.post("/automations/filter", json={}).json()
    return {one["name"]: (one["id"], one["trigger"]["id"]) for one in found}


def taken(client: SyncPrefectClient) -> int | None:
    limit = client.read_deployment_by_name(WEEKLY).global_concurrency_limit
    assert limit is not None
    return limit.active_slots


def working(platform: Platform) -> FlowRun:
    run = platform.wait(platform.run(WEEKLY, release_to=""), StateType.RUNNING)
    until(lambda: platform.client.read_flow_run(run.id).infrastructure_pid, "the process of the run")
    return run


def test_a_run_that_died_with_the_machine_is_ended_at_the_next_start_and_the_next_one_works(
    tmp_path: Path, free_port: Callable[[], int]
) -> None:
    checkout = make_checkout(tmp_path)
    ports = ["--port", str(free_port()), "--prefect-port", str(free_port())]
    try:
        with ExitStack() as clients:
            _live_through(checkout, ports, clients)
    finally:
        checkout.pricewright("down")


def _live_through(checkout: Checkout, ports: list[str], clients: ExitStack) -> None:
    platform = up(checkout, ports, clients)
    assert read_notices(platform.stack, 0) == [], "nothing has happened yet"
    before, run = automations(platform.client), working(platform)
    assert taken(platform.client) == 1
    cut_the_power(platform)
    platform = up(checkout, ports, clients)
    assert f"{platform.client.read_flow_run(run.id).name} had died" in platform.printed
    ended = platform.client.read_flow_run(run.id).state
    assert ended is not None and ended.type == StateType.CRASHED and "process is gone" in str(ended.message)
    assert taken(platform.client) == 0
    assert automations(platform.client) == before
    until(lambda: [one for one in read_notices(platform.stack, 0) if one["subject"] == "a run is lost"], "the notice")

    following = working(platform)
    holding = hold_the_database(checkout.root / ".pricewright" / "prefect" / "prefect.db", seconds=4, times=10)
    done = until(lambda: _ended(platform, following), "the run to end", patience=PATIENCE)
    holding.join()
    assert done.state is not None and done.state.type == StateType.COMPLETED, done.state
    assert taken(platform.client) == 0
    assert [one["subject"] for one in read_notices(platform.stack, 0)] == ["a run is lost"]
