"""The weekly job on one page: from sales to released prices."""

from prefect import flow
from prefect.client.schemas.objects import State

from blocks.lake_block import locate_lake
from flows.forms import RefreshRequest
from flows.runner import OF_ENVIRONMENT
from tasks.finish import ask_for_decision, is_fresh, nothing_changed, summarise
from tasks.prefect_tasks import log_failures_in_a_line, name_after_start
from tasks.run import Outcome, kept, open_run
from tasks.steps import STEPS, name_run
from tasks.workspace import find_root


@flow(
    name="refresh-prices",
    description="Learns from the sales and releases new prices.",
    flow_run_name=name_after_start,
    persist_result=False,
    on_running=[log_failures_in_a_line],
    task_runner=OF_ENVIRONMENT,
)
def refresh_prices(request: RefreshRequest) -> Outcome | State[Outcome]:
    """Run the stages that are stale, in the order of tasks/stages.py; gates stop promotion, not the work before it."""
    store, environment = locate_lake(request.store)
    beside = {"stores": request.stores, "products": request.products, "stock": request.stock, "rules": request.rules}
    asked = (request.source, store, request.columns, request.laid_over, environment, beside)
    with open_run(find_root(), *asked) as run, kept(run):
        if is_fresh(run):
            name_run(run)
            return nothing_changed(run)
        for stage, step in STEPS.items():
            step(run)
            if stage == "feature":  # which finds the last full week
                name_run(run)
        outcome = summarise(run)
        if request.release_to:
            ask_for_decision(run, outcome.release, request.release_to)
        return outcome
