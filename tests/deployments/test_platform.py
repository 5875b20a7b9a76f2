"""What operators get: a weekly run that knows when nothing changed, a decision that nobody can forge, notices."""

import json
import logging
import os
import re
import signal
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.request import urlopen

import pytest
from prefect.client.schemas.filters import LogFilter, LogFilterFlowRunId, LogFilterLevel
from prefect.client.schemas.objects import FlowRun, StateType

from blocks.channel import Channel
from blocks.lake import Lake
from deployments.stack import control
from pricewright.core.manifest import Manifest
from tests.deployments.conftest import WEEKLY, Platform, until

pytestmark = pytest.mark.platform

RELEASE = "release-model/on-demand"
STAGES = ("ingest", "feature", "drift", "tune", "train", "fairness", "promote")


@pytest.fixture(scope="session")
def lake(platform: Platform) -> Lake:
    return Lake(platform.stack.store)


@pytest.fixture(scope="session")
def candidate(weekly: FlowRun, lake: Lake) -> str:
    """The release that the weekly run brought to staging."""
    pointer = Channel(lake, "staging").read()
    assert pointer is not None
    return pointer.release


def waiting(platform: Platform) -> FlowRun:
    """The only run that waits for a person."""

    def find() -> FlowRun | None:
        runs = [run for run in platform.client.read_flow_runs() if run.state and run.state.type == StateType.PAUSED]
        return runs[0] if runs else None

    return until(find, "a run that waits for a decision")


def test_up_says_where_everything_is_and_the_next_weekly_run_is_scheduled(platform: Platform) -> None:
    assert platform.stack.ui in platform.printed and platform.stack.playground in platform.printed
    (when,) = re.findall(r"next run of refresh-prices/weekly: (.*) UTC", platform.printed)
    next_run = datetime.strptime(when, "%Y-%m-%d %H:%M").replace(tzinfo=UTC)
    assert next_run.weekday() == 0 and next_run.hour == 6, "Mondays at six"
    assert timedelta(0) < next_run - datetime.now(UTC) <= timedelta(weeks=1)


def test_the_weekly_run_brings_a_candidate_and_leaves_production_alone(
    weekly: FlowRun, candidate: str, lake: Lake, platform: Platform
) -> None:
    assert weekly.state is not None and weekly.state.type == StateType.COMPLETED, weekly.state
    week = candidate.rpartition("-")[0]
    assert weekly.name == f"refresh-prices {week}" and week in weekly.tags
    assert Channel(lake).read() is None, "nobody has approved yet"
    assert waiting(platform).parameters["request"]["release"] == candidate


def test_a_run_shows_its_stages_numbers_moves_and_reports(weekly: FlowRun, candidate: str, platform: Platform) -> None:
    left = platform.artifacts(weekly)
    assert set(STAGES) <= set(left)
    assert {"summary", "metrics", "moves", "drift-checks", "fairness-checks", "tune-progress"} <= set(left)
    assert "never ran" in left["train"]
    assert {row["model"] for row in json.loads(left["metrics"])} == {"network", "lightgbm", "svr", "elastic_net"}
    url = f"{platform.stack.playground}/reports/{candidate}/drift.html"
    assert f"({url})" in left["summary"]
    with urlopen(url) as report:
        assert report.status == 200 and b"<html" in report.read()[:500].lower()


def test_a_run_without_anything_new_ends_as_nothing_changed(weekly: FlowRun, platform: Platform) -> None:
    again = platform.wait(platform.run(WEEKLY))
    assert again.state is not None and again.state.name == "Nothing changed", again.state
    assert again.total_run_time < weekly.total_run_time
    compared = json.loads(platform.artifacts(again)["compared"])
    assert {row["stage"] for row in compared} == set(STAGES)
    assert {"work/panel", "train.seed", "pricewright/network"} <= {row["what"] for row in compared}


def test_the_page_of_a_stale_stage_names_what_changed(weekly: FlowRun, platform: Platform) -> None:
    platform.checkout.change(price={"bins": 40})
    run = platform.wait(platform.run(WEEKLY, release_to=""))
    assert run.state is not None and run.state.name == "Completed", run.state
    left = platform.artifacts(run)
    assert "price.bins: 50 -> 40" in left["train"]
    assert "skipped" in left["tune"] and "nothing changed" in left["tune"]


def test_an_answer_that_is_not_signed_is_asked_for_again(candidate: str, lake: Lake, platform: Platform) -> None:
    run = waiting(platform)
    forged = {"decision": "approve", "reviewer": "eve", "token": "bm90aGluZw.bm90aGluZw"}
    assert platform.client.resume_flow_run(run.id, run_input=forged).status.value == "ACCEPT"

    def asked_again() -> str:
        """What is asked now, once it is another question than the first."""
        now = platform.client.read_flow_run(run.id).state
        keyset = now.state_details.run_input_keyset if now and now.type == StateType.PAUSED else None
        if not keyset:
            return ""
        asked = platform.client._client.get(f"/flow_runs/{run.id}/input/{keyset['description']}").json()
        return asked if "The last answer was not taken" in asked else ""

    assert "is not an approval" in until(asked_again, "the second question")
    assert Channel(lake).read() is None


def test_an_empty_answer_is_no_answer(candidate: str, platform: Platform) -> None:
    run = waiting(platform)
    assert platform.client.resume_flow_run(run.id, run_input={}).status.value == "REJECT"
    assert platform.client.read_flow_run(run.id).state.type == StateType.PAUSED


def test_a_signed_approval_is_served_and_the_manifest_knows_by_whom(
    candidate: str, lake: Lake, platform: Platform
) -> None:
    run = waiting(platform)
    without = platform.checkout.pricewright("approve", candidate)
    assert without.returncode == 1 and "did not say ok: approving needs a reason" in without.stderr
    assert "The plan" in without.stdout and "pricewright approve" in without.stdout, "it shows before it asks"
    until(lambda: f"{candidate} waits for a decision" in _notices(platform), "the notice")
    done = platform.checkout.pricewright(
        "approve", candidate, "--reviewer", "ada", "--override", "a tiny shop", "--yes"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    ended = platform.wait(run)
    assert ended.state.name == "Released", ended.state
    pointer = Channel(lake).read()
    assert pointer.release == candidate and pointer.promoted_by == "ada"
    manifest = Manifest.from_json(lake.read(f"releases/{candidate}/manifest.json").body)
    (approval,) = manifest.approvals
    assert (approval["reviewer"], approval["override"], approval["channel"]) == ("ada", "a tiny shop", "production")
    assert platform.events("pricewright.release.promoted")
    with urlopen(f"{platform.stack.playground}/v1/health") as health:
        assert json.loads(health.read())["release"]


def test_a_rejected_release_leaves_production_alone(candidate: str, lake: Lake, platform: Platform) -> None:
    before = Channel(lake).read()
    run = platform.wait(platform.run(RELEASE, release=candidate, store=lake.url), StateType.PAUSED)
    done = platform.checkout.pricewright("reject", str(run.id), "--reviewer", "ada", "--note", "too bold", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    ended = platform.wait(run, StateType.CANCELLED)
    assert (ended.state.name, ended.state.message) == ("Rejected", f"ada rejected {candidate}: too bold")
    assert Channel(lake).read() == before


def test_nobody_decides_in_time_and_the_run_says_so(candidate: str, lake: Lake, platform: Platform) -> None:
    ended = _left_to_time_out(candidate, lake, platform) or _left_to_time_out(candidate, lake, platform)
    assert ended is not None, "an automation acts at most once: a busy server may lose one, not two in a row"
    assert ended.state is not None and ended.state.type == StateType.CANCELLED
    until(lambda: "an approval timed out" in _notices(platform), "the notice")


def test_a_gate_that_blocks_is_noticed_and_holds_the_schedule(weekly: FlowRun, platform: Platform) -> None:
    measures = json.loads((platform.checkout.root / "work/drift/verdict.json").read_text())["checks"]
    always = {check["name"]: {"warn": 0, "block": 0} for check in measures}
    blocking = {"drift": {"thresholds": always}, "promote": {"override": "", "channel": "staging"}}
    run = platform.wait(platform.run(WEEKLY, parameters=blocking, release_to=""))
    assert run.state.type == StateType.FAILED and "drift blocks" in run.state.message
    weekly_deployment = until(
        lambda: platform.client.read_deployment_by_name(WEEKLY) if _paused(platform) else None, "the held schedule"
    )
    until(lambda: "gate drift blocks" in _notices(platform), "the notice")
    platform.client.resume_deployment(weekly_deployment.id)


def test_a_worker_that_is_killed_comes_back_and_works(weekly: FlowRun, platform: Platform) -> None:
    before = _worker(platform)["pid"]
    os.kill(before, signal.SIGKILL)

    def back() -> bool:
        info = _worker(platform)
        return bool(info["statename"] == "RUNNING" and info["pid"] != before)

    until(back, "the worker to be started again")
    assert platform.wait(platform.run(WEEKLY, release_to="")).state.type == StateType.COMPLETED


def test_the_banner_says_what_it_works_on_and_its_commands_work_when_copied(platform: Platform) -> None:
    assert re.search(r"sales +a simulated market", platform.printed)
    assert re.search(r"lake .*serves nothing yet", platform.printed)
    assert re.search(r"next run +\d{4}-\d\d-\d\d \d\d:\d\d UTC", platform.printed)
    (command,) = re.findall(r"a run now +pricewright (prefect deployment run) refresh-prices/weekly", platform.printed)
    helped = platform.checkout.pricewright(*command.split(), "--help")
    assert helped.returncode == 0 and "prefect deployment run" in helped.stdout
    listed = platform.checkout.pricewright("prefect", "deployment", "ls")
    assert listed.returncode == 0 and "refresh-prices/weekly" in listed.stdout, listed.stdout + listed.stderr


def test_the_doctor_knows_the_stack(platform: Platform) -> None:
    findings = platform.checkout.pricewright("doctor").stdout
    assert re.search(r"ok +stack .*worker", findings) and platform.stack.ui in findings, findings


def test_what_failed_is_one_message_in_the_log(platform: Platform) -> None:
    before = (platform.checkout.root / "run.yaml").read_text() if (platform.checkout.root / "run.yaml").exists() else ""
    run = platform.wait(platform.run(WEEKLY, source="/nowhere/sales.csv", release_to=""))
    assert run.state is not None and run.state.type == StateType.FAILED and "does not exist" in run.state.message
    wanted = LogFilter(flow_run_id=LogFilterFlowRunId(any_=[run.id]), level=LogFilterLevel(ge_=logging.ERROR))
    logged = until(lambda: platform.client.read_logs(wanted), "its log")
    assert sum("sales.csv does not exist" in one.message and "Traceback" not in one.message for one in logged) >= 1
    assert not [one.message for one in logged if "Traceback" in one.message]
    assert sum(len(one.message.splitlines()) for one in logged) <= 3, [one.message for one in logged]
    after = (platform.checkout.root / "run.yaml").read_text() if (platform.checkout.root / "run.yaml").exists() else ""
    assert after == before, "others read it"


def test_only_one_stack_of_a_checkout_runs(platform: Platform) -> None:
    second = platform.checkout.pricewright("up")
    assert second.returncode == 1 and "runs already" in second.stderr


def _left_to_time_out(candidate: str, lake: Lake, platform: Platform) -> FlowRun | None:
    """A run about which nobody decided, once it is called so; None where the server ended it under no name of ours."""
    run = platform.wait(platform.run(RELEASE, release=candidate, store=lake.url, hours=0.001), StateType.CANCELLED)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if found := _named(platform, run, "Approval timed out"):
            return found
        time.sleep(0.2)
    left = platform.client.read_flow_run(run.id).state
    assert left is not None and left.message == "The flow was paused and never resumed.", left
    return None


def _named(platform: Platform, run: FlowRun, name: str) -> FlowRun | None:
    now = platform.client.read_flow_run(run.id)
    return now if now.state and now.state.name == name else None


def _worker(platform: Platform) -> dict[str, Any]:
    with control(platform.stack) as remote:
        return dict(remote.getProcessInfo("worker"))


def _paused(platform: Platform) -> bool:
    return bool(platform.client.read_deployment_by_name(WEEKLY).paused)


def _notices(platform: Platform) -> str:
    from deployments.stack import read_notices

    return "\n".join(f"{notice['subject']}: {notice['body']}" for notice in read_notices(platform.stack, 0))
