"""A stage: its work, the line of numbers it leaves, the folders it publishes; and how it runs under the ledger."""

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from blocks.lake import Lake
from pricewright.whole_file import write_whole
from tasks.gates import judge_gates, judged_notes
from tasks.ledger import Entry, Reason
from tasks.progress import WATCHING, Tell, untold
from tasks.run import Run
from tasks.spread import on_runner, spreading
from tasks.workspace import Workspace

Metrics = dict[str, Any]
Step = Callable[[Run], Entry]


@dataclass(frozen=True)
class Stage:
    """One verb of dvc.yaml."""

    name: str
    work: Callable[[Workspace, Tell], Metrics]
    line: Callable[[Metrics], str]
    publishes: tuple[str, ...] = ()  # folders of work/ that the lake mirrors
    acts: bool = False  # it acts on the world: what it did before is not restored, it is done again
    notes: Callable[[Metrics], list[str]] = lambda metrics: []  # further lines: warnings, what nobody should miss
    undone: Callable[[Workspace, Lake], str] = lambda at, lake: ""  # why what it did in the lake no longer stands

    def said(self, metrics: Metrics) -> str:
        """The line, and below it its notes and those of the gates that were asked after its work."""
        return "\n".join([self.line(metrics), *self.notes(metrics), *judged_notes(self.name, metrics)])


def do(stage: Stage, workspace: Workspace, tell: Tell = untold) -> None:
    """The work of a stage and its metrics; what its command in dvc.yaml runs."""
    metrics = stage.work(workspace, tell) | judge_gates(stage.name, workspace)
    text = json.dumps(metrics, indent=2, sort_keys=True, default=float)
    write_whole(workspace.metrics(stage.name), f"{text}\n".encode())


Leave = Callable[[Entry, str, Metrics], None]


def log_line(entry: Entry, line: str, metrics: Metrics) -> None:
    """What a stage leaves outside of Prefect: one line in the log."""
    logging.getLogger(__name__).info("%s %s: %s", entry.stage, entry.how, line)


def perform(stage: Stage, run: Run, leave: Leave = log_line) -> Entry:
    """Run a stage if the ledger says that it is stale, publish what it made, say how it came out."""
    watching = WATCHING.get()
    watching.begin(stage.name)
    work = lambda: do(stage, run.workspace, lambda share, words: watching.advance(stage.name, share, words))  # noqa: E731
    entry = run.ledger.run(stage.name, work, restore=not stage.acts, also=_undone(stage, run))
    publish(stage, run.workspace, run.lake)
    run.bring(f"work/metrics/{stage.name}.json")
    metrics = json.loads(run.workspace.metrics(stage.name).read_text())
    said = stage.said(metrics)
    watching.end(entry, said)
    leave(entry, said, metrics)
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
    why = stage.undone(run.workspace, run.lake)
    return (Reason(why),) if why else ()


def as_task(stage: Stage) -> Step:
    """The stage as a Prefect task of its name; called outside a flow run, it is a plain function."""
    from prefect import task
    from prefect.cache_policies import NO_CACHE
    from prefect.context import FlowRunContext, TaskRunContext

    from tasks.artifacts import Bar, leave_artifacts

    def step(run: Run) -> Entry:
        token = WATCHING.set(Bar(WATCHING.get()))
        try:
            return perform(stage, run, partial(leave_artifacts, run.workspace))
        finally:
            WATCHING.reset(token)

    prefect_task = task(name=stage.name, cache_policy=NO_CACHE, persist_result=False)(step)

    def call(run: Run) -> Entry:
        if not FlowRunContext.get():
            return perform(stage, run)
        if TaskRunContext.get():  # itself on the runner, where waiting for others would hold their workers
            return prefect_task(run)
        with spreading(on_runner):
            return prefect_task(run)

    return call
