"""Whether a run would find nothing to do: then it needs no Prefect server, and is over in seconds."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tasks.lineage import kept
from tasks.run import Outcome, Run, open_run
from tasks.stage import perform
from tasks.stages import STAGES
from tasks.workspace import Workspace


def prepare(
    root: Path, source: str, store: str, columns: Mapping[str, str], overrides: Mapping[str, Any]
) -> tuple[Workspace, bool]:
    """Write down what the run is asked for, and say whether every stage is up to date with that."""
    with open_run(root, source, store, columns, overrides) as run:
        return run.workspace, is_fresh(run)


def pass_over(root: Path, source: str, store: str, columns: Mapping[str, str], overrides: Mapping[str, Any]) -> Outcome:
    """The run that finds nothing to do: every stage says that it is skipped, and what the lake lacks is published."""
    with open_run(root, source, store, columns, overrides) as run, kept(run):
        return skip_all(run)


def is_fresh(run: Run) -> bool:
    """No stage is stale, and the lake still has what was promoted."""
    if any(stage.undone(run.workspace, run.lake) for stage in STAGES.values()):
        return False
    return not any(run.ledger.why_stale(name) for name in run.ledger.stages)


def skip_all(run: Run) -> Outcome:
    """Every stage says that it is skipped, and what the lake lacks is published."""
    for stage in STAGES.values():
        perform(stage, run)
    return run.outcome()


def compare(run: Run) -> list[dict[str, str]]:
    """What a fresh run compared: a row per stage and file, folder or parameter it reads, with hash or value."""
    return [
        {"stage": name, "what": what, "as before": value}
        for name in run.ledger.stages
        for what, value in run.ledger.inputs(name).items()
    ]
