"""`pricewright up` and `down`: the whole platform on this machine."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from cli.console import console
from cli.ports import free_port, need_port
from cli.served import Store, chosen_store
from deployments.stack import Stack, make_stack, running_stack, stop
from pricewright.core.errors import DeploymentError
from tasks.root import find_root

PATIENCE = 400.0  # seconds until a detached stack stands

Port = Annotated[int, typer.Option(help="The port of playground and price API.", min=1, max=65535)]
PrefectPort = Annotated[int, typer.Option(help="The port of Prefect's server and UI.", min=1, max=65535)]
Detach = Annotated[bool, typer.Option("--detach", help="Come back when all of it runs; `pricewright down` stops it.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""

    @app.command(name="up", rich_help_panel="Operate")
    def _up(store: Store = "", port: Port = 8080, prefect_port: PrefectPort = 4200, detach: Detach = False) -> None:
        """Start everything on this machine, until Ctrl-C: Prefect's server, a worker, the flows, price API, playground.

        The weekly run is scheduled, and what it brings waits for `pricewright approve`.
        """
        root = find_root()
        if running_stack(root) is not None:
            raise DeploymentError("the stack of this checkout runs already.", hint="pricewright down stops it.")
        for wanted, option in ((port, "--port"), (prefect_port, "--prefect-port")):
            need_port(wanted, option)
        if detach:
            _detach(root, store, port, prefect_port)
        else:
            up(root, make_stack(root, chosen_store(store), port, prefect_port, free_port()))

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
    from deployments.up import read_notices, started

    out = console()
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    seen = len(read_notices(stack, 0))
    try:
        with started(root, stack, dict(os.environ) | stack.environment, lambda words: _say(out, words)) as process:
            show(out, stack)
            while process.poll() is None:
                for notice in read_notices(stack, seen):
                    out.print(f"  notice  {notice['subject']}: {notice['body']}", markup=False)
                    seen += 1
                time.sleep(0.5)
    except KeyboardInterrupt:
        pass
    out.print("stopped")


def show(out: Console, stack: Stack) -> None:
    """Where everything is."""
    rows = {
        "Prefect": stack.ui,
        "playground": stack.playground,
        "price API": f"{stack.playground}/v1/predict-price/...",
        "lake": stack.store,
        "logs": f"{os.path.relpath(stack.folder)}/*.log",
        "a run now": "prefect deployment run refresh-prices/weekly, or in Prefect's UI",
        "a decision": "pricewright waiting, approve, reject",
    }
    for what, where in rows.items():
        out.print(f"  {what:<10}  {escape(where)}", soft_wrap=True)


def _detach(root: Path, store: str, port: int, prefect_port: int) -> None:
    """The same command in a session of its own, which goes on when this one ends."""
    folder = root / ".pricewright" / "stack"
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "cli.main", "up", "--port", str(port), "--prefect-port", str(prefect_port)]
    command += ["--store", store] if store else []
    with (folder / "up.log").open("wb") as log:
        child = subprocess.Popen(command, cwd=root, stdout=log, stderr=log, start_new_session=True)  # noqa: S603
    deadline = time.monotonic() + PATIENCE
    while "a decision" not in (folder / "up.log").read_text():
        if child.poll() is not None or time.monotonic() > deadline:
            raise DeploymentError(f"the stack did not start: {(folder / 'up.log').read_text().strip()[-500:]}")
        time.sleep(0.2)
    console().print((folder / "up.log").read_text().rstrip(), markup=False)
    console().print("  it runs in the background: pricewright down stops it.")


def _say(out: Console, words: str) -> None:
    out.print(f"  {words}", markup=False)
