"""The steps of releasing a model: look at the candidate, show it, and serve it when that was approved."""

from typing import Any

from prefect import get_run_logger, task
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.states import Cancelled, Completed

from blocks.lake import Lake
from blocks.lake_block import locate_lake
from pricewright.release.approval import Approval
from tasks.approvals import record_approval
from tasks.candidate import Candidate, examine_candidate
from tasks.events import tell_release
from tasks.flow_run import rename_run
from tasks.markdown import cells
from tasks.releases import promote_release
from tasks.review import review_page
from tasks.root import find_root
from tasks.workspace import Workspace


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
    tables = {"candidate-metrics": candidate.metrics, "gates": candidate.gates, "moves": candidate.moves}
    for key, rows in tables.items():
        create_table_artifact(cells(rows), key=key, description=candidate.release)


def not_released(candidate: Candidate, approval: Approval) -> State[Any]:
    """The end of a run whose candidate was rejected."""
    words = f"{approval.reviewer} rejected {candidate.release}: {approval.note or 'no reason given'}"
    return Cancelled(name="Rejected", message=words)


@task(name="release", cache_policy=NO_CACHE, persist_result=False)
def serve(lake: Lake, candidate: Candidate, approval: Approval, smoke_skus: int) -> str:
    """Write the approval down, then move the channel: killed between, the next try does the rest."""
    record_approval(lake, approval, candidate.channel)
    pointer = promote_release(lake, candidate.release, candidate.channel, smoke_skus, by=approval.reviewer)
    tell_release(pointer.release, candidate.channel, pointer.previous)
    get_run_logger().info("%s serves %s (before: %s)", candidate.channel, pointer.release, pointer.previous)
    return f"{candidate.channel} serves {pointer.release}, approved by {approval.reviewer}"


def release(lake: Lake, candidate: Candidate, approval: Approval) -> State[Any]:
    """Serve the candidate; the end of a run whose candidate was approved."""
    smoke_skus = int(Workspace(find_root()).parameters["promote"]["smoke_skus"])
    return Completed(name="Released", message=serve(lake, candidate, approval, smoke_skus))
