"""Whether a run would find nothing to do: then it needs no Prefect server, and is over in seconds."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from blocks.lake import Lake
from tasks.ledger import Ledger
from tasks.run import Outcome, claim, open_run
from tasks.stage import perform
from tasks.stages import STAGES
from tasks.workspace import Workspace, configure


def prepare(
    root: Path, source: str, store: str, columns: Mapping[str, str], overrides: Mapping[str, Any]
) -> tuple[Workspace, bool]:
    """Write down what the run is asked for, and say whether every stage is up to date with that."""
    with claim(root):
        workspace = configure(root, source, store, columns, overrides)
        return workspace, is_fresh(workspace)


def is_fresh(workspace: Workspace) -> bool:
    """No stage is stale, and the lake still has what was promoted."""
    ledger, lake = Ledger(workspace.root), Lake(workspace.store)
    if any(stage.undone(workspace, lake) for stage in STAGES.values()):
        return False
    return not any(ledger.why_stale(name) for name in ledger.stages)


def pass_over(root: Path, source: str, store: str, columns: Mapping[str, str], overrides: Mapping[str, Any]) -> Outcome:
    """The run that finds nothing to do: every stage says that it is skipped, and what the lake lacks is published."""
    with open_run(root, source, store, columns, overrides) as run:
        for stage in STAGES.values():
            perform(stage, run)
        return run.outcome()
