"""The stages as Prefect tasks, in the order in which they run, and how their flow run is called."""

from tasks.flow_run import rename_run
from tasks.run import Run
from tasks.stage import as_task
from tasks.stages import STAGES

STEPS = {name: as_task(stage) for name, stage in STAGES.items()}


def name_run(run: Run) -> None:
    """Call the flow run after its last full week, such as `refresh-prices 2011-W49`; no run, no name."""
    rename_run(run.week, [run.week])
