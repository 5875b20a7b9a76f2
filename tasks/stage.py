"""A stage: its work, the line of numbers it leaves, the folders it publishes, who watches it."""

import json
import logging
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Protocol

from blocks.lake import Lake
from pricewright.files import write_whole
from tasks.gates import Metrics, judge_gates, judged_notes
from tasks.ledger import Entry, Reason
from tasks.run import Run
from tasks.workspace import Workspace

ReportProgress = Callable[[float, str], None]  # share of the stage that is done (0 to 1), and a few words
Step = Callable[[Run], Entry]
Leave = Callable[[Entry, str, Metrics], None]


class Progress(Protocol):
    """Somebody who watches a run."""

    def begin(self, stage: str) -> None:
        """A stage starts."""

    def advance(self, stage: str, share: float, words: str) -> None:
        """It has got this far."""

    def end(self, entry: Entry, line: str) -> None:
        """It came out so; `line` has its numbers, and may have notes below it."""


class Silent:
    """Nobody watches."""

    def begin(self, stage: str) -> None:
        """Says nothing."""

    def advance(self, stage: str, share: float, words: str) -> None:
        """Says nothing."""

    def end(self, entry: Entry, line: str) -> None:
        """Says nothing."""


NOBODY = Silent()
WATCHING: ContextVar[Progress] = ContextVar("watching", default=NOBODY)


def report_nothing(share: float, words: str) -> None:
    """A `ReportProgress` for work that nobody watches."""


@dataclass(frozen=True)
class Stage:
    """One verb of dvc.yaml."""

    name: str
    work: Callable[[Workspace, ReportProgress], Metrics]
    line: Callable[[Metrics], str]
    publishes: tuple[str, ...] = ()  # folders of work/ that the lake mirrors
    has_effects: bool = False  # it acts on the world: what it did before is not restored, it is done again
    notes: Callable[[Metrics], list[str]] = lambda metrics: []  # further lines: warnings, what nobody should miss
    why_invalid: Callable[[Workspace, Lake], str] = lambda at, lake: ""  # why what it did in the lake no longer stands

    def summary(self, metrics: Metrics) -> str:
        """The line, and below it its notes and those of the gates that were asked after its work."""
        return "\n".join([self.line(metrics), *self.notes(metrics), *judged_notes(self.name, metrics)])


def do(stage: Stage, workspace: Workspace, report_progress: ReportProgress = report_nothing) -> None:
    """The work of a stage and its metrics; what its command in dvc.yaml runs."""
    metrics = stage.work(workspace, report_progress) | judge_gates(stage.name, workspace)
    text = json.dumps(metrics, indent=2, sort_keys=True, default=float)
    write_whole(workspace.metrics(stage.name), f"{text}\n".encode())


def log_line(entry: Entry, line: str, metrics: Metrics) -> None:
    """What a stage leaves outside of Prefect: one line in the log."""
    logging.getLogger(__name__).info("%s %s: %s", entry.stage, entry.how, line)


def perform(stage: Stage, run: Run, leave: Leave = log_line) -> Entry:
    """Run a stage if the ledger says that it is stale, publish what it made, say how it came out."""
    watching = WATCHING.get()
    watching.begin(stage.name)
    work = lambda: do(stage, run.workspace, lambda share, words: watching.advance(stage.name, share, words))  # noqa: E731
    entry = run.ledger.run(stage.name, work, restore=not stage.has_effects, also=_undone(stage, run))
    publish(stage, run.workspace, run.lake)
    run.bring(f"work/metrics/{stage.name}.json")
    metrics = json.loads(run.workspace.metrics(stage.name).read_text())
    line = stage.summary(metrics)
    watching.end(entry, line)
    leave(entry, line, metrics)
    run.entries.append(entry)
    return entry


def publish(stage: Stage, workspace: Workspace, lake: Lake) -> None:
    """Make the lake's folders those that the stage wrote; what is there already is not uploaded again.

    A folder that is not in the workspace came to the lake from another one.
    """
    for folder in stage.publishes:
        if (workspace.work / folder).exists():
            lake.publish_folder(folder, workspace.work / folder)


def _undone(stage: Stage, run: Run) -> tuple[Reason, ...]:
    why = stage.why_invalid(run.workspace, run.lake)
    return (Reason(why),) if why else ()
