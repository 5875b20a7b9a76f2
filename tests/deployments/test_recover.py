"""Which runs had died, and which slots they held; a power cut itself is in test_power_cut.py."""

import os
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID, uuid4

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import FlowRun
from prefect.states import Cancelling, Pending, Running, State

from deployments.recover import free_slots, has_process, is_lost, recover

WEEKLY = uuid4()


def run(state: State[Any], pid: str | None = None, started: datetime | None = None) -> FlowRun:
    return FlowRun(
        flow_id=uuid4(),
        name="refresh-prices",
        deployment_id=WEEKLY,
        state=state,
        infrastructure_pid=pid,
        start_time=started,
    )


@dataclass
class Limit:
    id: UUID
    active_slots: int


@dataclass
class Deployment:
    id: UUID
    global_concurrency_limit: Limit | None


@dataclass
class Server:
    """What a server knows of runs and slots."""

    runs: list[FlowRun]
    deployments: list[Deployment] = field(default_factory=list)
    states: dict[UUID, str] = field(default_factory=dict)

    def read_flow_runs(self, offset: int, **_: Any) -> list[FlowRun]:
        return [run for run in self.runs if run.id not in self.states][offset:]

    def set_flow_run_state(self, run: UUID, state: State[Any]) -> None:
        self.states[run] = state.name or ""

    def read_deployments(self) -> list[Deployment]:
        return self.deployments

    def update_global_concurrency_limit(self, wanted: str, update: Any) -> None:
        (limit,) = [one.global_concurrency_limit for one in self.deployments if one.global_concurrency_limit]
        assert wanted == str(limit.id)
        limit.active_slots = update.active_slots


def client(server: Server) -> SyncPrefectClient:
    return cast(SyncPrefectClient, server)


def test_a_run_without_a_process_has_died_and_its_slot_is_free() -> None:
    limit = Limit(uuid4(), 1)
    server = Server([run(Running(), "17"), run(Pending()), run(Cancelling(), "18")], [Deployment(WEEKLY, limit)])
    reported: list[FlowRun] = []
    ended = recover(client(server), lambda pid, _: False, reported.append)
    assert [server.states[one.id] for one in ended] == ["Crashed", "Crashed", "Cancelled"]
    assert limit.active_slots == 0 and reported == ended


def test_a_run_at_work_goes_on_and_keeps_its_slot() -> None:
    limit = Limit(uuid4(), 3)
    server = Server([run(Running(), "17")], [Deployment(WEEKLY, limit), Deployment(uuid4(), None)])
    assert recover(client(server), lambda pid, _: pid == 17, lambda _: None) == []
    assert limit.active_slots == 1 and server.states == {}


def test_slots_are_never_taken_away_from_runs_that_have_just_begun() -> None:
    limit = Limit(uuid4(), 0)
    free_slots(client(Server([run(Running(), "17")], [Deployment(WEEKLY, limit)])))
    assert limit.active_slots == 0, "the server gives slots, this only takes back"


def test_a_process_of_the_same_number_that_is_younger_than_the_run_is_another_one() -> None:
    now, pid = datetime.now(UTC), os.getpid()
    assert has_process(pid, run(Running(), str(pid), now + timedelta(seconds=1)))
    assert not has_process(pid, run(Running(), str(pid), now - timedelta(days=1)))
    assert not has_process(2**22 + 1, run(Running()))
    assert is_lost(run(Running(), "elsewhere:17"), lambda *_: True), "no process of this worker is called so"
