"""Stage tune: the best hyperparameters of every model, validated on later weeks than they were fitted to."""

import json

from pricewright.core.errors import ModelError
from pricewright.history import weeks_needed
from pricewright.partitions import read_partitions
from tasks.gates import Metrics
from tasks.prefect_tasks import TASK_MAP
from tasks.stage import ReportProgress, Stage
from tasks.workspace import Workspace


def work(workspace: Workspace, report_progress: ReportProgress) -> Metrics:
    """The trials go where the flow's tasks run; a search that was killed goes on where it was.

    For that, what was tried lies outside of what the stage writes.
    """
    from pricewright.tune import tune  # imports torch: 2 s that a run which skips this stage does not wait

    folder = workspace.work / "panel"
    storage = workspace.root / ".pricewright" / "trials.db"
    storage.parent.mkdir(exist_ok=True)
    panel = read_partitions(folder)
    weeks, needed = panel["week"].n_unique(), weeks_needed(workspace.parameters)
    if weeks < needed:
        raise ModelError(f"the panel has {weeks} full weeks: at least {needed} are needed.", "give a longer history.")
    with TASK_MAP.get()() as task_map:
        tuned = tune(panel, workspace.parameters, storage, report_progress, task_map=task_map, panel_folder=folder)
    (workspace.work / "hyperparameters.json").write_text(
        json.dumps(tuned.hyperparameters, indent=2, sort_keys=True) + "\n"
    )
    (workspace.work / "plots").mkdir(exist_ok=True)
    tuned.trials.write_csv(workspace.work / "plots" / "trials.csv")
    return {"models": tuned.metrics}


def line(metrics: Metrics) -> str:
    """How much was searched, and which optimiser had to be replaced."""
    models = metrics["models"]
    fallbacks = [f"{name}: {words}" for name, found in models.items() for words in found["fallbacks"]]
    trials = ", ".join(f"{name} {found['trials']}" for name, found in models.items())
    return "; ".join([f"trials: {trials}", *fallbacks])


TUNE = Stage("tune", work, line)
