"""Bring an image or a release, or both, to a stage, on one page; `pricewright deploy` does the same without Prefect."""

import os
from typing import Literal

from prefect import flow
from pydantic import BaseModel, ConfigDict, Field

from blocks.lambda_release import DIGEST
from blocks.price_cache import DEPLOY_URL, find_cache_url
from tasks.approval import find_lake
from tasks.deploy import (
    check_signature,
    find_target,
    publish_version,
    serve_release,
    settle,
    share,
    try_out,
    watch,
    way_back,
)
from tasks.deployment_plan import Deployed, Limits, make_plan, permit, report
from tasks.prefect_tasks import log_failures_in_a_line
from tasks.releases import current_user, now


class DeployRequest(BaseModel):
    """What goes where, and how carefully."""

    model_config = ConfigDict(extra="forbid")

    stage: Literal["staging", "production"] = Field(default="staging", description="Where to.")
    image: str = Field(
        default="", pattern=rf"^({DIGEST})?$", description="repository@sha256:...; empty: the image stays as it is."
    )
    release: str = Field(
        default="",
        pattern=r"^(\d{4}-W\d{2}-[0-9a-f]{8})?$",
        description="The release to serve; empty: the channel stays as it is.",
    )
    approval: str = Field(default="", description="A reviewer's signed approval; production needs one.")
    weight: float = Field(default=0.1, gt=0, lt=1, description="Share of the requests that a new image gets first.")
    watch: float = Field(default=180, ge=0, le=86_400, description="Seconds that it is watched before it gets all.")
    errors: float = Field(default=0.01, ge=0, lt=1, description="The largest share of its calls that may fail.")
    store: str = Field(default="", description="The lake, s3://bucket/prefix; empty: that of the block pricewright.")
    function: str = Field(
        default="", description="Name of the function; empty: the stage's block, pricewright-<stage>."
    )
    redis_url: str = Field(
        default="",
        pattern=r"^[^@]*$",
        description="rediss://host:port/0; empty: that of the block pricewright-<stage> or pricewright, else the "
        f"function's stays as it is. One with a password comes from the block, or from the flow's environment, "
        f"{DEPLOY_URL}: Prefect keeps and shows what a run is asked for.",
    )
    by: str = Field(default="", max_length=60, description="Who deploys; empty: the user who runs the flow.")


@flow(
    name="deploy-release",
    description="Brings an image or a release to a stage.",
    flow_run_name="deploy-release {request.stage}",
    persist_result=False,
    on_running=[log_failures_in_a_line],
)
def deploy_release(request: DeployRequest) -> Deployed:
    """The image first: some requests, then all; then the release. Each is taken back when it fails."""
    limits = Limits(request.weight, request.watch, request.errors)
    lake, by = find_lake(request.store), request.by or current_user()
    target = find_target(request.stage, request.function)
    redis_url = request.redis_url or find_cache_url(request.stage, os.environ)
    plan = make_plan(
        request.stage, request.image, request.release, lake.url, by, limits, target, redis_url, lake.environment
    )
    plan = permit(plan, request.approval, now())
    check_signature(plan)
    with way_back(plan):
        version = publish_version(plan)
        try_out(plan, version)
        share(plan, version)
        watch(plan, version)
        settle(plan, version)
    serve_release(plan)
    return report(plan, now())
