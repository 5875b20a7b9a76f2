"""The stages as Prefect tasks, and how their flow run is called. Importing it imports Prefect."""

from functools import partial

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.context import FlowRunContext, TaskRunContext

from tasks.ledger import Entry
from tasks.pages import Bar, leave_artifacts
from tasks.prefect_tasks import on_runner, rename_run, using_task_map
from tasks.run import Run
from tasks.stage import WATCHING, Stage, Step, perform
from tasks.stages import STAGES


def as_task(stage: Stage) -> Step:
    """The stage as a Prefect task of its name; called outside a flow run, it is a plain function."""

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
        with using_task_map(on_runner):
            return prefect_task(run)

    return call


STEPS = {name: as_task(stage) for name, stage in STAGES.items()}


def name_run(run: Run) -> None:
    """Call the flow run after its last full week, such as `refresh-prices 2011-W49`; no run, no name."""
    rename_run(run.week, [run.week])
