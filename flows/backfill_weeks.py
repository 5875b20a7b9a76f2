"""Weeks once more: late and corrected data, and what hangs on them."""

from dataclasses import replace

from prefect import flow

from blocks.lake_block import locate_lake
from flows.forms import BackfillRequest
from flows.runner import OF_ENVIRONMENT
from tasks.backfill import find_weeks, ingest_weeks, name_run, open_backfill, read_documents
from tasks.backfill_page import Backfilled, run_stages, summarise
from tasks.prefect_tasks import log_failures_in_a_line
from tasks.walk_forward import walk_weeks
from tasks.workspace import find_root


@flow(
    name="backfill-weeks",
    description="Ingests weeks from the source once more.",
    flow_run_name="backfill-weeks {request.first_week} to {request.last_week}",
    persist_result=False,
    on_running=[log_failures_in_a_line],
    task_runner=OF_ENVIRONMENT,
)
def backfill_weeks(request: BackfillRequest) -> Backfilled:
    """Make the weeks beside what is there; then the stages, as far as they are stale, put them in its place."""
    store, environment = locate_lake(request.store)
    with open_backfill(find_root(), replace(request.order(), store=store), environment) as backfill:
        name_run(backfill)
        read_documents(backfill)
        find_weeks(backfill)
        ingest_weeks(backfill)
        run_stages(backfill)
        walk_weeks(backfill)
        return summarise(backfill)
