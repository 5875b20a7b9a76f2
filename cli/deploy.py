"""`pricewright deploy`, `deploy-flows`, `register-blocks`: what CI and operators call."""

import os
import signal
import sys
from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from cli.console import console
from cli.options import ServedStore, chosen_store
from deployments.stack import running_stack
from pricewright.core.errors import ParameterError, PricewrightError
from tasks.workspace import find_root

if TYPE_CHECKING:
    from pydantic import BaseModel

    from tasks.deployment_plan import Deployed


Model = TypeVar("Model", bound="BaseModel")
Stage = Annotated[str, typer.Option(help="staging or production.")]
Image = Annotated[str, typer.Option(help="repository@sha256:..., never a tag. Default: the image stays as it is.")]
Release = Annotated[str, typer.Option(help="The release to serve. Default: the channel stays as it is.")]
Token = Annotated[
    str, typer.Option(envvar="PRICEWRIGHT_APPROVAL", help="A reviewer's signed approval; production needs one.")
]
Weight = Annotated[float, typer.Option(help="Share of the requests that a new image gets first.")]
Watch = Annotated[float, typer.Option(help="Seconds that it is watched before it gets all requests.")]
Errors = Annotated[float, typer.Option(help="The largest share of its calls that may fail.")]
Function = Annotated[str, typer.Option(help="The function's name. Default: pricewright-<stage>.")]
Redis = Annotated[
    str, typer.Option(envvar="PRICEWRIGHT_REDIS_URL", help="The price cache. Default: the function's stays as it is.")
]
By = Annotated[str, typer.Option(help="Who deploys. Default: the user who runs it.")]
Status = Annotated[bool, typer.Option("--status", help="Only say what is deployed.")]
LakeOfFlows = Annotated[str, typer.Option(help="The lake of the flows. Default: its block's, else PRICEWRIGHT_STORE.")]


def register(app: typer.Typer) -> None:
    """Add the command to the app."""

    @app.command(name="deploy", rich_help_panel="Operate")
    def _deploy(
        stage: Stage = "staging",
        image: Image = "",
        release: Release = "",
        approval: Token = "",
        weight: Weight = 0.1,
        watch: Watch = 180,
        errors: Errors = 0.01,
        store: ServedStore = "",
        function: Function = "",
        redis_url: Redis = "",
        by: By = "",
        status: Status = False,
    ) -> None:
        """Bring an image (by digest) or a release, or both, to a stage of AWS Lambda, and take it back if it fails.

        A new version is asked for prices, gets a tenth of the requests, is watched, gets all. Killed anywhere, the same
        command once more finishes it or takes it back. It needs no Prefect server.
        """
        if status:
            from blocks.lake import Lake
            from tasks.deploy import find_target
            from tasks.deployment_plan import read_deployed

            _show(read_deployed(stage, find_target(stage, function), Lake(chosen_store(store))))
            return
        from blocks.price_cache import DEPLOY_URL
        from flows.deploy_release import DeployRequest, deploy_release

        if "@" in redis_url:  # no part of the request, which flows show
            os.environ[DEPLOY_URL], redis_url = redis_url, ""
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # a cancelled job takes back
        given = {"stage": stage, "image": image, "release": release, "approval": approval, "weight": weight,
                 "watch": watch, "errors": errors, "store": chosen_store(store), "function": function,
                 "redis_url": redis_url, "by": by or os.environ.get("GITHUB_ACTOR", "")}  # fmt: skip
        _show(deploy_release.fn(_request(DeployRequest, given)))


def _request(kind: type[Model], given: dict[str, object]) -> Model:
    from pydantic import ValidationError

    try:
        return kind(**given)
    except ValidationError as error:
        first = error.errors()[0]
        name = first["loc"][0]
        rule = "a digest is needed, repository@sha256:..., never a tag." if name == "image" else f"{first['msg']}."
        raise ParameterError(f"--{name} is {first['input']!r}: {rule}", hint="pricewright deploy --help.") from None


def _show(deployed: "Deployed") -> None:
    for name, words in deployed.rows().items():
        console().print(f"  {name:<15} {words}", markup=False)


def use_prefect(environment: MutableMapping[str, str] = os.environ) -> str:
    """The URL of the server's API; call it before anything imports Prefect. Raises PricewrightError without one."""
    stack = running_stack(find_root())
    # Whoever names another server does not get the stack's log-in for it.
    if stack is not None and environment.get("PREFECT_API_URL", ours := stack.environment["PREFECT_API_URL"]) == ours:
        for name, value in stack.environment.items():
            environment.setdefault(name, value)
    url = environment.get("PREFECT_API_URL", "")
    if not url:
        raise PricewrightError(
            "no Prefect server: PREFECT_API_URL is not set, and no stack runs here.",
            hint="pricewright up --detach starts one.",
        )
    return url


def register_deploy_flows(app: typer.Typer) -> None:
    """Add the command to the app."""

    @app.command(name="deploy-flows", rich_help_panel="Operate")
    def _deploy_flows(store: LakeOfFlows = "") -> None:
        """Deploy the flows to the server of PREFECT_API_URL: work pool, deployments, blocks, automations.

        Every variable is checked first; it fails unless the server really schedules the next weekly run. Blocks that
        are there stay as they are, but for the lake where --store names one.
        """
        use_prefect()
        from deployments.apply import apply

        out = console()
        applied = apply(find_root(), os.environ, lambda words: out.print(f"  {words}", markup=False), store)
        out.print(f"  next run of refresh-prices/weekly: {applied.next_run:%Y-%m-%d %H:%M} UTC", markup=False)


def register_block_setup(app: typer.Typer) -> None:
    """Add the command to the app."""

    @app.command(name="register-blocks", rich_help_panel="Operate")
    def _register_blocks(store: ServedStore = "") -> None:
        """Register the blocks with the server of PREFECT_API_URL: lake, price cache, buckets, Lambda function, keys.

        Endpoints, region and Redis come from the environment; no document holds a key of AWS. Doing it again changes
        what differs, and nothing else.
        """
        use_prefect()
        from blocks.register import register_blocks

        for name, how in register_blocks(chosen_store(store), os.environ).items():
            console().print(f"  {how:<10} {name}", markup=False)
