"""A stage runs under the ledger, publishes its folders, tells its watcher and leaves a page."""

import json
from pathlib import Path
from typing import Any

import pytest

from blocks.lake import Lake
from pricewright.core.errors import LedgerError
from tasks.ledger import Entry, Ledger, Reason
from tasks.pages import page
from tasks.run import Run, claim
from tasks.stage import WATCHING, ReportProgress, Stage
from tasks.steps import as_task
from tasks.workspace import Workspace, configure

PIPELINE = """
vars: [run.yaml]
stages:
  ingest:
    cmd: pricewright stage ingest
    deps: [in.txt]
    params: [ingest.factor, run.yaml: [overrides.ingest]]
    outs: [work/raw]
    metrics: [work/metrics/ingest.json]
"""


class Notebook:
    """A watcher that writes down what it is told."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def begin(self, stage: str) -> None:
        self.lines.append(f"{stage} begins")

    def advance(self, stage: str, share: float, words: str) -> None:
        self.lines.append(f"{stage} {share:.0%} {words}")

    def end(self, entry: Entry, line: str) -> None:
        self.lines.append(f"{entry.stage} {entry.how}: {line}")


def read(workspace: Workspace, report_progress: ReportProgress) -> dict[str, Any]:
    report_progress(0.5, "half way")
    rows = int((workspace.root / "in.txt").read_text()) * workspace.parameters["ingest"]["factor"]
    (workspace.work / "raw" / "week=2011-W49").mkdir(parents=True)
    (workspace.work / "raw" / "week=2011-W49" / "part.parquet").write_text(str(rows))
    return {"rows": rows, "share": 0.25}


INGEST = Stage("ingest", read, line=lambda metrics: f"{metrics['rows']} rows", publishes=("raw",))


@pytest.fixture
def run(tmp_path: Path) -> Run:
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".dvc/config").write_text("[core]\n    no_scm = true\n    analytics = false\n")
    (tmp_path / "dvc.yaml").write_text(PIPELINE)
    (tmp_path / "params.yaml").write_text("ingest: {factor: 2}\n")
    (tmp_path / "in.txt").write_text("21")
    workspace = configure(tmp_path)
    return Run(workspace, Ledger(tmp_path), Lake(workspace.store))


def test_outside_a_flow_a_task_is_a_plain_function_that_publishes_and_tells(run: Run) -> None:
    notebook = Notebook()
    before = WATCHING.set(notebook)
    try:
        as_task(INGEST)(run)
        entry = as_task(INGEST)(run)
    finally:
        WATCHING.reset(before)
    assert entry.how == "skipped"
    assert [entry.how for entry in run.entries] == ["ran", "skipped"]
    assert run.lake.read("raw/week=2011-W49/part.parquet").body == b"42"
    assert json.loads(run.workspace.metrics("ingest").read_text()) == {"rows": 42, "share": 0.25}
    assert notebook.lines == [
        "ingest begins",
        "ingest 50% half way",
        "ingest ran: 42 rows",
        "ingest begins",
        "ingest skipped: 42 rows",
    ]


def test_a_new_lake_is_filled_although_no_stage_is_stale(run: Run, tmp_path: Path) -> None:
    step = as_task(INGEST)
    step(run)
    other = Run(run.workspace, run.ledger, Lake(str(tmp_path / "other")))
    assert step(other).how == "skipped"
    assert list(other.lake.list("raw")) == ["raw/week=2011-W49/part.parquet"]


def test_the_page_of_a_stage_says_why_it_ran_and_its_numbers() -> None:
    entry = Entry("ingest", "ran", 1.5, (Reason("ingest.factor", 2, 3),))
    text = page(entry, "63 rows", {"rows": 63, "reasons": {"no price": 1200}, "share": 0.123456})
    assert "- ingest.factor: 2 -> 3" in text
    assert "| reasons.no price | 1,200 |" in text
    assert "| share | 0.1235 |" in text


def test_two_runs_in_one_workspace_do_not_mix(tmp_path: Path) -> None:
    with claim(tmp_path), pytest.raises(LedgerError, match="another run works"), claim(tmp_path):
        pass
    with claim(tmp_path):
        pass
