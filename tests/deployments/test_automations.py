"""Automations, fired: each does what it says, on a copy that waits for ten seconds, the least that Prefect takes."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from prefect import flow
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.events.schemas.automations import AutomationCore
from prefect.events.schemas.events import ResourceSpecification
from prefect.states import Running

from deployments.up import read_notices
from tests.deployments.conftest import Platform, until

pytestmark = pytest.mark.platform

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


def noticed(platform: Platform, subject: str) -> dict[str, str]:
    """The first notice of this subject, once it has come."""

    def find() -> dict[str, str] | None:
        return next((notice for notice in read_notices(platform.stack, 0) if notice["subject"] == subject), None)

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


def test_a_worker_that_is_gone_is_noticed(platform: Platform) -> None:
    pool = platform.client.read_work_pool("pricewright-process")
    about = {"prefect.resource.id": f"prefect.work-pool.{pool.id}", "prefect.resource.name": pool.name}
    emit(platform, "prefect.work-pool.not-ready", about)
    assert "pricewright-process" in noticed(platform, "the worker is gone")["body"]
