"""A backfill: weeks that are ingested from the source once more, whatever is known of them, and what hangs on them.

Only the last step, the stages under the ledger, changes what the workspace and the lake hold, and each does so as a
whole: killed before, nothing has changed; started again with the same request, it goes on with the weeks that are left.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from pricewright.ingest.documents import Document
from pricewright.ingest.job import WeekJob, save_job
from pricewright.ingest.notation import Signs
from pricewright.ingest.shelf import key_of
from pricewright.ingest.weekly import Intake, complete
from tasks.count_bar import CountBar
from tasks.coverage import check_range, check_vanished
from tasks.deliveries import origin
from tasks.flow_run import rename_run
from tasks.ingest import intake_folder, open_intake, source_documents
from tasks.journal import Journal
from tasks.lineage import kept
from tasks.order import Order
from tasks.pieces import Place, ReadPiece, WeekPiece, make_week, read_document
from tasks.present import Weeks, present_weeks
from tasks.run import Run, open_run
from tasks.window import at_most


class Backfill:
    """What the steps of one backfill share (no dataclass: Prefect would look into one for results to wait for)."""

    def __init__(self, run: Run, order: Order) -> None:
        self.run, self.order = run, order
        self.intake: Intake = open_intake(run.workspace)
        self.documents: list[Document] = source_documents(run.workspace, trust=False)
        asked = (order.weeks, str(run.workspace.source), run.lake.url, run.workspace.columns, run.workspace.parameters)
        self.journal = Journal(run.workspace.root / ".pricewright" / "backfills" / key_of(*asked)[:12])
        self.before: Weeks = {}
        self.jobs: dict[str, WeekJob] = {}
        self.elsewhere: list[str] = []  # weeks outside of the range that are to be made anew as well
        self.results: list[dict[str, Any]] = []
        self.walked: Any = None

    @property
    def at(self) -> "Place":
        """What a worker needs to open the intake."""
        return Place(
            intake_folder(self.run.workspace), self.run.workspace.parameters["ingest"], self.run.workspace.columns
        )


@contextmanager
def open_backfill(root: Path, order: Order, environment: Mapping[str, str] = os.environ) -> Iterator[Backfill]:
    """A backfill of this workspace, and no other run there; source and store are the last run's unless named.

    `environment`: where the lake's endpoint and region come from.
    """
    asked: dict[str, Any] = {"source": "", "store": "", "columns": {}, "overrides": {}}
    if (root / "run.yaml").exists():
        asked |= yaml.safe_load((root / "run.yaml").read_text())
    source, store = order.source or origin(root, asked["source"]), order.store or asked["store"]
    columns, parameters = order.columns or asked["columns"], order.parameters or asked["overrides"]
    with open_run(root, source, store, columns, parameters, environment) as run, kept(run):
        yield Backfill(run, order)


def name_run(backfill: Backfill) -> None:
    """Call the flow run after its weeks, such as `backfill-weeks 2011-W10 to 2011-W20`."""
    order = backfill.order
    rename_run(f"{order.first_week} to {order.last_week}", [order.first_week, order.last_week])


def read_documents(backfill: Backfill) -> None:
    """Read the documents that hold lines of the weeks, and those that nobody has read yet; a task each."""
    begin(backfill)
    intake = backfill.intake
    known = {document.name: intake.known(document) for document in backfill.documents}
    balance = sum(int(entry.index["balance"]) for entry in known.values() if entry)
    signs = Signs.total(table for entry in known.values() if entry for table in entry.index["tables"])
    unread = [document for document in backfill.documents if not known[document.name]]
    pieces = [ReadPiece(backfill.at, document, balance, signs) for document in unread]
    for _ in at_most(backfill.order.max_parallel, "read", read_document, pieces):
        pass


def begin(backfill: Backfill) -> None:
    """Write down what was before, and forget what is known of the documents that hold lines of the weeks.

    Not when it is gone on with: what was read since it began is not read again.
    """
    wanted = set(backfill.order.weeks)
    known = backfill.journal.before()
    if known is None:
        known = present_weeks(backfill.run.workspace, backfill.run.lake, wanted)
        for document in backfill.documents:
            entry = backfill.intake.known(document)
            if entry and wanted & {week for table in entry.index["tables"] for week in table["weeks"]}:
                backfill.intake.documents.discard(entry.key)
        backfill.journal.begin(known)
    backfill.before = known


def find_weeks(backfill: Backfill) -> None:
    """What each week is made of. Raises SourceError when weeks are not in the source, or rows have vanished from it."""
    backfill.intake = backfill.at.open()
    found = backfill.intake.survey(backfill.documents)
    wanted = backfill.order.weeks
    check_vanished(found, backfill.before, wanted, drop=backfill.order.drop_vanished)
    check_range(found, backfill.before, wanted)
    for job in backfill.intake.jobs(found):
        if job.week in wanted:
            backfill.jobs[job.week] = job
        elif not backfill.intake.weeks.find(job.key):
            backfill.elsewhere.append(job.week)


def ingest_weeks(backfill: Backfill) -> None:
    """Make the weeks that this backfill has not made yet; a task each."""
    left = [job for job in backfill.jobs.values() if not _is_done(backfill, job)]
    for job in left:
        save_job(complete(job, backfill.documents), backfill.journal.job(job.week))
    pieces = [WeekPiece(backfill.at, backfill.journal.folder, job.week) for job in left]
    progress = CountBar("backfill-weeks", len(backfill.jobs))
    progress.show(len(backfill.jobs) - len(left))
    for result in at_most(backfill.order.max_parallel, "ingest", make_week, pieces):
        progress.step(f"{result['week']}: {result['accepted']:,} rows accepted")
    backfill.results = [made for week in backfill.jobs if (made := backfill.journal.done(week))]


def _is_done(backfill: Backfill, job: WeekJob) -> bool:
    done = backfill.journal.done(job.week)
    return bool(done and done["key"] == job.key and backfill.intake.weeks.find(job.key))
