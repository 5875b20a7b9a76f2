"""`pricewright deploy`: an image or a release, or both, to a stage; what CI and operators call."""

import os
import signal
import sys
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from cli.console import console
from cli.served import Store, chosen_store

if TYPE_CHECKING:
    from pydantic import BaseModel

    from tasks.deployed import Deployed

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
By = Annotated[str, typer.Option(help="Who deploys. Default: whoever runs this.")]
Status = Annotated[bool, typer.Option("--status", help="Only say what is deployed.")]


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
        store: Store = "",
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
            from tasks.deployed import read_deployed
            from tasks.target import find_target

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

    from pricewright.core.errors import ParameterError

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
