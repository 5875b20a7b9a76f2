"""`pricewright serve`: the playground and the price API on this machine, over whatever the channel serves."""

import logging
import os
from contextlib import ExitStack
from dataclasses import replace
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from cli.console import console
from cli.ports import HOST, need_port
from cli.redis_server import redis_server
from cli.served import Name, Store, chosen_store
from pricewright.core.address import without_secret
from pricewright.core.errors import ReleaseError

Port = Annotated[int, typer.Option(help="The port; 0 takes a free one.", min=0, max=65535)]
WithRedis = Annotated[bool, typer.Option("--redis", help="Start a Redis too, and keep answers in it.")]
Log = Annotated[bool, typer.Option("--log", help="Show the line that the API logs for every request.")]


def register(app: typer.Typer) -> None:
    """Add the command to the app."""

    @app.command(name="serve")
    def _serve(
        store: Store = "", channel: Name = "production", port: Port = 8080, redis: WithRedis = False, log: Log = False
    ) -> None:
        """Serve the playground and the price API on this machine, until Ctrl-C: the Lambda handler behind a web page.

        It answers from the release that the channel points to, and follows the channel when it moves.
        """
        serve(chosen_store(store), channel, port, redis=redis, log=log)


def serve(store: str, channel: str, port: int, *, redis: bool, log: bool) -> None:
    """Serve until it is interrupted. Raises ReleaseError when there is nothing to serve."""
    from inference.gateway import make_gateway
    from inference.handler import make_app
    from inference.log import write
    from inference.settings import read_settings

    release = served_release(store, channel)
    settings = replace(read_settings(os.environ), store=store, channel=channel)
    need_port(port, "--port, or PORT= of make")
    with ExitStack() as stack:
        if redis:
            settings = replace(settings, redis_url=stack.enter_context(redis_server()))
        api = make_app(settings, log=write if log else lambda _: None)
        _show(console(), make_gateway(api), port, f"{channel} of {store} serves {release}", settings.redis_url)


def served_release(store: str, channel: str) -> str:
    """The release that a channel serves. Raises ReleaseError when that is none."""
    from blocks.channel import Channel
    from blocks.lake import Lake

    pointer = Channel(Lake(store), channel).read()
    if pointer is None:
        raise ReleaseError(
            f"channel {channel} of {store} serves no release yet: nothing was promoted.",
            hint="make run makes a release and promotes it; pricewright promote serves one that the lake holds.",
        )
    return pointer.release


def _show(out: Console, gateway: object, port: int, words: str, redis_url: str) -> None:
    from werkzeug.serving import make_server

    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # the API logs its requests itself
    server = make_server(HOST, port, gateway, threaded=True)  # type: ignore[arg-type]
    try:
        out.print(escape(words))
        if redis_url:
            out.print(f"answers are kept in {escape(without_secret(redis_url))}")
        out.print(f"playground: http://{HOST}:{server.server_port}   (Ctrl-C ends it)")
        server.serve_forever()
    except KeyboardInterrupt:
        out.print("ended")
    finally:
        server.server_close()
