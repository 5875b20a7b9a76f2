"""A backfill: weeks ingested once more from the source, and what depends on them; a killed one goes on.

Only the last step, the stages under the ledger, changes what the workspace and the lake hold, and each does so as a
whole: killed before, nothing has changed; started again with the same request, it goes on with the weeks that are left.
"""

import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from pricewright.files import write_whole
from pricewright.ingest.numbers import Signs
from pricewright.ingest.source import Document
from pricewright.ingest.week import RAW, WeekJob, load_job, save_job
from pricewright.ingest.weekly import IncrementalIngest, complete
from pricewright.result_cache import key_of
from tasks.existing_weeks import BackfillOrder, Weeks, check_range, check_vanished, present_weeks
from tasks.ingest import ingest_cache_folder, open_ingest, source_documents
from tasks.prefect_tasks import CountBar, at_most, rename_run
from tasks.run import Run, kept, open_run
from tasks.source import origin
from tasks.workspace import ASKED


class Checkpoint:
    """`begun.json`: what the weeks were before; `jobs/<week>/`: what each is made of; `done/<week>.json`: what came."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def begin(self, before: dict[str, Any]) -> None:
        """Write down what was before anything changes."""
        write_whole(self.folder / "begun.json", json.dumps(before).encode())

    def before(self) -> dict[str, Any] | None:
        """What was before; None where nothing has begun."""
        return _read(self.folder / "begun.json")

    def job(self, week: str) -> Path:
        """The folder of a week's job."""
        return self.folder / "jobs" / week

    def write(self, week: str, result: dict[str, Any]) -> None:
        """A week is done."""
        write_whole(self.folder / "done" / f"{week}.json", json.dumps(result).encode())

    def done(self, week: str) -> dict[str, Any] | None:
        """What came of a week; None while it is not done."""
        return _read(self.folder / "done" / f"{week}.json")

    def close(self) -> None:
        """All is done: the next backfill of these weeks starts over. What says so goes first."""
        (self.folder / "begun.json").unlink(missing_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)


def _read(path: Path) -> dict[str, Any] | None:
    try:
        content: dict[str, Any] = json.loads(path.read_text())
    except FileNotFoundError:
        return None
    return content


@dataclass(frozen=True)
class BackfillFolders:
    """Where an intake is, and with which parameters and columns."""

    folder: Path
    params: Mapping[str, Any]
    columns: Mapping[str, str]

    def open(self) -> IncrementalIngest:
        """The intake itself."""
        return IncrementalIngest(self.folder, self.params, self.columns)


class ReadPiece:
    """A document to be read."""

    def __init__(self, at: BackfillFolders, document: Document, balance: int, signs: Signs) -> None:
        self.at, self.document, self.balance, self.signs = at, document, balance, signs

    def __str__(self) -> str:
        return self.document.name


class WeekPiece:
    """A week to be made, by the job that the journal has of it."""

    def __init__(self, at: BackfillFolders, checkpoint: Path, week: str) -> None:
        self.at, self.checkpoint, self.week = at, checkpoint, week

    def __str__(self) -> str:
        return self.week


def read_document(piece: ReadPiece) -> int:
    """Read a document and sort its lines into weeks; returns its rows."""
    entry = piece.at.open().read(piece.document, piece.balance, piece.signs)
    return sum(int(table["rows"]) for table in entry.index["tables"])


def make_week(piece: WeekPiece) -> dict[str, Any]:
    """Make a week and write down that it is done."""
    began, checkpoint = time.time(), Checkpoint(piece.checkpoint)
    job = load_job(checkpoint.job(piece.week))
    entry = piece.at.open().build([job], [])[piece.week]
    counted = {name: entry.index["counts"][name] for name in ("accepted", "quarantined", "duplicates")}
    result = {"week": job.week, "key": job.key, **counted, "digest": entry.files.get(RAW, "")}
    result |= {"began": began, "ended": time.time()}
    checkpoint.write(piece.week, result)
    return result


class Backfill:
    """What the steps of one backfill share (no dataclass: Prefect would look into one for results to wait for)."""

    def __init__(self, run: Run, order: BackfillOrder) -> None:
        self.run, self.order = run, order
        self.intake: IncrementalIngest = open_ingest(run.workspace)
        self.documents: list[Document] = source_documents(run.workspace, trust=False)
        asked = (order.weeks, str(run.workspace.source), run.lake.url, run.workspace.columns, run.workspace.parameters)
        self.checkpoint = Checkpoint(run.workspace.root / ".pricewright" / "backfills" / key_of(*asked)[:12])
        self.before: Weeks = {}
        self.jobs: dict[str, WeekJob] = {}
        self.elsewhere: list[str] = []  # weeks outside of the range that are to be rebuilt as well
        self.results: list[dict[str, Any]] = []
        self.walked: Any = None

    @property
    def at(self) -> "BackfillFolders":
        """What a worker needs to open the intake."""
        return BackfillFolders(
            ingest_cache_folder(self.run.workspace), self.run.workspace.parameters["ingest"], self.run.workspace.columns
        )


@contextmanager
def open_backfill(root: Path, order: BackfillOrder, environment: Mapping[str, str] = os.environ) -> Iterator[Backfill]:
    """A backfill of this workspace, and no other run there; source and store are the last run's unless named.

    `environment`: where the lake's endpoint and region come from.
    """
    asked: dict[str, Any] = {"source": "", "store": "", "columns": {}, "overrides": {}, **ASKED}
    if (root / "run.yaml").exists():
        asked |= yaml.safe_load((root / "run.yaml").read_text())
    source, store = order.source or origin(root, asked["source"]), order.store or asked["store"]
    columns, parameters = order.columns or asked["columns"], order.parameters or asked["overrides"]
    beside = {name: origin(root, asked[name]) for name in ASKED}
    with open_run(root, source, store, columns, parameters, environment, beside) as run, kept(run):
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
    known = backfill.checkpoint.before()
    if known is None:
        known = present_weeks(backfill.run.workspace, backfill.run.lake, wanted)
        for document in backfill.documents:
            entry = backfill.intake.known(document)
            if entry and wanted & {week for table in entry.index["tables"] for week in table["weeks"]}:
                backfill.intake.documents.discard(entry.key)
        backfill.checkpoint.begin(known)
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
        save_job(complete(job, backfill.documents), backfill.checkpoint.job(job.week))
    pieces = [WeekPiece(backfill.at, backfill.checkpoint.folder, job.week) for job in left]
    progress = CountBar("backfill-weeks", len(backfill.jobs))
    progress.show(len(backfill.jobs) - len(left))
    for result in at_most(backfill.order.max_parallel, "ingest", make_week, pieces):
        progress.step(f"{result['week']}: {result['accepted']:,} rows accepted")
    backfill.results = [made for week in backfill.jobs if (made := backfill.checkpoint.done(week))]


def _is_done(backfill: Backfill, job: WeekJob) -> bool:
    done = backfill.checkpoint.done(job.week)
    return bool(done and done["key"] == job.key and backfill.intake.weeks.find(job.key))
