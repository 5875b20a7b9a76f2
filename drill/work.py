"""What a job of the drill does: the same functions that the flows call, outside of Prefect."""

import os
from pathlib import Path
from typing import Any


def ready(*, stages: bool) -> None:
    """Import what jobs need; nothing of it may start a thread, for children are forked afterwards."""
    import tasks.releases

    if not stages:
        return
    import evidently  # noqa: F401
    import great_expectations  # noqa: F401
    import lightgbm  # noqa: F401

    import tasks.backfill_page
    import tasks.promote
    import tasks.stages  # noqa: F401


def weekly(root: str, source: str, store: str, stages: tuple[str, ...] = ("ingest", "feature")) -> dict[str, Any]:
    """The stages of a weekly run, as far as they are stale, and their lineage."""
    from tasks.run import kept, open_run
    from tasks.stage import perform
    from tasks.stages import STAGES

    os.chdir(root)
    with open_run(Path(root), source, store) as run, kept(run):
        for name in stages:
            perform(STAGES[name], run)
        return {entry.stage: entry.how for entry in run.entries}


def backfill(root: str, source: str, store: str, first: str, last: str, drop: bool = False) -> dict[str, Any]:
    """All steps of a backfill but the walk."""
    from tasks.backfill import find_weeks, ingest_weeks, open_backfill, read_documents
    from tasks.backfill_page import run_stages, summarise
    from tasks.existing_weeks import BackfillOrder

    os.chdir(root)
    with open_backfill(
        Path(root), BackfillOrder(first, last, source=source, store=store, drop_vanished=drop)
    ) as under_way:
        read_documents(under_way)
        find_weeks(under_way)
        ingest_weeks(under_way)
        run_stages(under_way)
        return {row["week"]: row["what"] for row in summarise(under_way).weeks}


def promote(store: str, release: str, channel: str = "production") -> dict[str, Any]:
    """Verify a release of the lake, ask it for prices, move the pointer."""
    from blocks.lake import Lake
    from tasks.releases import promote_release

    return {"release": promote_release(Lake(store), release, channel, 2, by="drill").release}


def roll_back(store: str) -> dict[str, Any]:
    """The release before."""
    from blocks.lake import Lake
    from tasks.releases import roll_back_release

    return {"release": roll_back_release(Lake(store), "production", by="drill").release}


def publish(store: str, root: str) -> dict[str, Any]:
    """Promote what a workspace has made: bundle, upload, read back, point."""
    from blocks.lake import Lake
    from tasks import promote as stage
    from tasks.stage import report_nothing
    from tasks.workspace import Workspace

    return {"release": stage.work(Workspace(Path(root)), report_nothing, Lake(store))["release"]}


JOBS = {"weekly": weekly, "backfill": backfill, "promote": promote, "roll back": roll_back, "publish": publish}
