"""Killed in the middle of any stage, a run is finished by the next one, and the lake is whole."""

import os
import signal
from pathlib import Path

import pytest
from prefect.client.schemas.filters import TaskRunFilter, TaskRunFilterName, TaskRunFilterState
from prefect.client.schemas.filters import TaskRunFilterStateType as StateTypes
from prefect.client.schemas.objects import StateType

from blocks.channel import Channel
from blocks.lake import Lake
from tasks.ledger import Ledger
from tasks.releases import verify_release
from testing.checkout import Checkout, make_checkout
from tests.deployments.conftest import Platform, until

pytestmark = pytest.mark.platform

STAGES = ("ingest", "feature", "drift", "tune", "train", "fairness", "promote")


@pytest.fixture(scope="module")
def checkout(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A workspace of its own, whose runs the platform's server keeps."""
    made = make_checkout(tmp_path_factory.mktemp("killed"))
    names = ("PREFECT_API_URL", "PREFECT_API_AUTH_STRING")
    made.extra = {name: platform.stack.environment[name] for name in names}
    return made


def at_work(platform: Platform, stage: str, seen: set[str]) -> str:
    """The id of a run of this stage's task that works now and did not before."""
    running = TaskRunFilter(
        name=TaskRunFilterName(like_=f"{stage}-"),
        state=TaskRunFilterState(type=StateTypes(any_=[StateType.RUNNING])),
    )
    runs = platform.client.read_task_runs(task_run_filter=running)
    return next((str(run.id) for run in runs if str(run.id) not in seen), "")


def test_a_run_killed_in_every_stage_is_finished_by_the_next(platform: Platform, checkout: Checkout) -> None:
    lake, seen = Lake(str(checkout.root / "lake")), set[str]()
    for stage in STAGES:
        run = checkout.start("run")
        seen.add(until(lambda at=stage: at_work(platform, at, seen), f"{stage} to work"))
        os.killpg(run.pid, signal.SIGKILL)
        run.wait(10)
        pointer = Channel(lake).read()
        if pointer is not None:
            verify_release(lake, pointer.release)
    last = checkout.pricewright("run")
    assert last.returncode == 0, last.stdout + last.stderr
    for stage in STAGES[:5]:
        assert f"{stage:<9}  skipped" in last.stdout, f"{stage} had ended before the last run: {last.stdout}"
    pointer = Channel(lake).read()
    assert pointer is not None
    verify_release(lake, pointer.release)
    _nothing_is_stale(checkout.root)
    again = checkout.pricewright("run")
    assert again.stdout.count(" skipped ") == len(STAGES), again.stdout


def _nothing_is_stale(root: Path) -> None:
    ledger = Ledger(root)
    assert {name: ledger.why_stale(name) for name in ledger.stages} == dict.fromkeys(ledger.stages, ())
