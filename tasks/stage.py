"""A stage: its work, the line of numbers it leaves, the folders it publishes; and how it runs under the ledger."""

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from blocks.lake import Lake
from tasks.ledger import Entry, Reason
from tasks.progress import WATCHING, Tell, untold
from tasks.run import Run
from tasks.workspace import Workspace, write_whole

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
    undone: Callable[[Workspace, Lake], str] = lambda at, lake: ""  # why what it did in the lake no longer stands


def do(stage: Stage, workspace: Workspace, tell: Tell = untold) -> None:
    """The work of a stage and its metrics; what its command in dvc.yaml runs."""
    metrics = stage.work(workspace, tell)
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
    metrics = json.loads(run.workspace.metrics(stage.name).read_text())
    line = stage.line(metrics)
    watching.end(entry, line)
    leave(entry, line, metrics)
    run.entries.append(entry)
    return entry


def publish(stage: Stage, workspace: Workspace, lake: Lake) -> None:
    """Make the lake's folders those that the stage wrote; what is there already is not uploaded again."""
    for folder in stage.publishes:
        lake.publish_folder(folder, workspace.work / folder)


def _undone(stage: Stage, run: Run) -> tuple[Reason, ...]:
    why = stage.undone(run.workspace, run.lake)
    return (Reason(why),) if why else ()


def as_task(stage: Stage) -> Step:
    """The stage as a Prefect task of its name; called outside a flow run, it is a plain function."""
    from prefect import task
    from prefect.cache_policies import NO_CACHE
    from prefect.context import FlowRunContext

    def step(run: Run) -> Entry:
        return perform(stage, run, leave_artifact)

    prefect_task = task(name=stage.name, cache_policy=NO_CACHE, persist_result=False)(step)

    def call(run: Run) -> Entry:
        return prefect_task(run) if FlowRunContext.get() else perform(stage, run)

    return call


def leave_artifact(entry: Entry, line: str, metrics: Metrics) -> None:
    """In a Prefect run: a line in its log, and a page with how it came out, why it ran, its numbers."""
    from prefect import get_run_logger
    from prefect.artifacts import create_markdown_artifact

    get_run_logger().info("%s in %.1f s: %s", entry.how, entry.seconds, line)
    create_markdown_artifact(key=entry.stage, markdown=page(entry, line, metrics), description=line)


def page(entry: Entry, line: str, metrics: Metrics) -> str:
    """Markdown of a stage in this run."""
    why = [f"- {reason}" for reason in entry.reasons] or ["- nothing changed since it last ran"]
    numbers = [f"| {name} | {_shown(value)} |" for name, value in _flat(metrics)]
    parts = [
        f"# {entry.stage}: {entry.how}",
        line,
        "## Why",
        *why,
        "## Numbers",
        "| name | value |",
        "|---|---|",
        *numbers,
    ]
    return "\n".join(parts)


def _flat(metrics: Metrics, at: str = "") -> list[tuple[str, Any]]:
    rows: list[tuple[str, Any]] = []
    for name, value in metrics.items():
        rows += _flat(value, f"{at}{name}.") if isinstance(value, dict) else [(f"{at}{name}", value)]
    return rows


def _shown(value: Any) -> str:
    return f"{value:,.4g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)[:200]
