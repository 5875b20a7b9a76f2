"""Serve an earlier release again, on one page; `pricewright roll-back` does the same where Prefect is down."""

from prefect import flow
from pydantic import BaseModel, ConfigDict, Field

from blocks.channel import Pointer
from tasks.approval import find_lake
from tasks.prefect_tasks import log_failures_in_a_line
from tasks.releases import serve_again


class RollBackRequest(BaseModel):
    """Which channel goes back, how far, and why."""

    model_config = ConfigDict(extra="forbid")

    store: str = Field(
        default="", description="The lake: a folder or s3://bucket/prefix; empty: that of the block pricewright."
    )
    channel: str = Field(
        default="production", pattern=r"^[a-z][a-z0-9-]{0,62}$", description="The channel that goes back."
    )
    release: str = Field(
        default="",
        pattern=r"^(\d{4}-W\d{2}-[0-9a-f]{8})?$",
        description="The release to serve again; empty: the one served before the present one.",
    )
    by: str = Field(default="", max_length=100, description="Who asks for it; empty: the user who runs the flow.")
    approval: str = Field(
        default="", max_length=4000, description="A signed decision, where the release was never served on the channel."
    )
    reason: str = Field(default="", max_length=500, description="Why; the run's page shows it.")


@flow(
    name="roll-back",
    description="Serves an earlier release again.",
    flow_run_name="roll-back {request.channel}",
    persist_result=False,
    on_running=[log_failures_in_a_line],
)
def roll_back(request: RollBackRequest) -> Pointer:
    """One step: check that the release loads, move the pointer."""
    lake = find_lake(request.store)
    return serve_again(lake, request.channel, request.release, request.by, request.reason, request.approval)
