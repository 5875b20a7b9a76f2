"""The stages as Prefect tasks, and how their flow run is called."""

from tasks.flow_run import rename_run
from tasks.run import Run
from tasks.stage import as_task
from tasks.stages import STAGES

ingest = as_task(STAGES["ingest"])
feature = as_task(STAGES["feature"])
drift = as_task(STAGES["drift"])
tune = as_task(STAGES["tune"])
train = as_task(STAGES["train"])
fairness = as_task(STAGES["fairness"])
promote = as_task(STAGES["promote"])


def name_run(run: Run) -> None:
    """Call the flow run after its last full week, such as `refresh-prices 2011-W49`; no run, no name."""
    rename_run(run.week, [run.week])
