"""The platform as a user starts it, `pricewright up --detach`, and weekly runs on it, one after the other."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self
from urllib.error import URLError
from urllib.request import Request, urlopen

import polars as pl
import redis

from demand.errors import DeploymentError
from deployments.stack import Stack, control, running_stack, stop
from drill.machine import free_port, kill, until
from tests.checkout import COMMAND
from tests.weekly_shop import WeeklyShop

QUICK = {  # for a drill of minutes, in which Redis is asked all the time
    "PRICEWRIGHT_REFRESH_SECONDS": "1",
    "PRICEWRIGHT_RETRY_SECONDS": "2",
    "PRICEWRIGHT_MEMORY_ANSWERS": "1",
}
START = 600.0
LONGEST_RUN = 1200.0  # of a weekly run, on a machine that has other work
BEGUN = "Beginning flow run"  # Prefect says so


class Platform:
    """Server, worker, Redis, price API, under supervisord; use it as a context."""

    def __init__(self, shop: WeeklyShop, store: str, environment: Mapping[str, str], baked: Path) -> None:
        self.shop, self.checkout = shop, shop.checkout
        self.port, self.prefect_port = free_port(), free_port()
        self._store = store
        self.checkout.extra = dict(environment) | QUICK | {"PRICEWRIGHT_BAKED_RELEASE": str(baked)}
        self.stack: Stack

    def __enter__(self) -> Self:
        ports = ["--port", str(self.port), "--prefect-port", str(self.prefect_port)]
        done = self.checkout.pricewright("up", "--detach", "--store", self._store, *ports)
        stack = running_stack(self.checkout.root)
        if done.returncode or stack is None:
            raise RuntimeError(f"the platform did not start: {done.stdout} {done.stderr}")
        self.stack = stack
        self.checkout.extra |= stack.environment
        return self

    def __exit__(self, *_: object) -> None:
        self.checkout.pricewright("down")
        with suppress(DeploymentError):  # it does not run any more, unless the command could not do it
            stop(self.stack)

    @property
    def redis_port(self) -> int:
        """Where Redis listens, or whoever took its place."""
        return int(self.stack.redis.rpartition(":")[2].partition("/")[0])

    def pid(self, name: str) -> int:
        """Of a process of the stack, as supervisord knows it; 0 while there is none."""
        with control(self.stack) as remote:
            return int(remote.getProcessInfo(name)["pid"])

    def running(self, name: str) -> bool:
        """Whether it runs for longer than a start takes."""
        with control(self.stack) as remote:
            return bool(remote.getProcessInfo(name)["statename"] == "RUNNING")

    def kill(self, name: str) -> None:
        """kill -9, by its id, and wait until supervisord has another one."""
        pid = self.pid(name)
        kill(pid)
        until(lambda: self.pid(name) not in (0, pid), f"another {name}", START)

    @contextmanager
    def stopped(self, name: str) -> Iterator[None]:
        """Without it for as long as the context lasts."""
        with control(self.stack) as remote:
            remote.stopProcess(name)
        try:
            yield
        finally:
            with control(self.stack) as remote:
                remote.startProcess(name)

    def health(self) -> dict[str, Any]:
        """What the price API says of itself; empty while nobody answers."""
        try:
            with urlopen(f"{self.stack.playground}/v1/health", timeout=5) as answer:  # noqa: S310
                return dict(json.loads(answer.read()))
        except (URLError, OSError, ValueError):
            return {}

    def redis_used(self) -> bool:
        """Whether the price API has asked Redis since that started, and is content."""
        with redis.Redis.from_url(self.stack.redis, socket_timeout=5) as client:
            try:
                stats: Any = client.info("stats")
            except (redis.RedisError, OSError):
                return False
        return bool(stats["keyspace_hits"] + stats["keyspace_misses"]) and self.health().get("redis") == "ok"

    def api_answers(self) -> bool:
        """With whatever release."""
        return bool(self.health())

    def server_answers(self) -> bool:
        """Prefect's server, and its database behind it."""
        try:
            with urlopen(f"{self.stack.ui}/api/ready", timeout=5) as answer:  # noqa: S310
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False

    def begin(self, deployment: str, **request: Any) -> str:
        """Start a run of a deployment; its id."""
        flow, _, name = deployment.partition("/")
        known = self._prefect(f"deployments/name/{flow}/{name}")
        parameters = known["parameters"] | {"request": request}
        return str(self._prefect(f"deployments/{known['id']}/create_flow_run", {"parameters": parameters})["id"])

    def state(self, run: str) -> str:
        """The type of a flow run's state; empty while the server does not answer."""
        try:
            return str(self._prefect(f"flow_runs/{run}")["state_type"])
        except (URLError, OSError):
            return ""

    def _prefect(self, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        asked = Request(f"{self.stack.ui}/api/{path}", data, {"content-type": "application/json"})  # noqa: S310
        with urlopen(asked, timeout=60) as answer:  # noqa: S310
            return json.loads(answer.read())

    @contextmanager
    def database_locked(self) -> Iterator[None]:
        """Prefect's SQLite is held by somebody else."""
        (path,) = Path(self.stack.environment["PREFECT_HOME"]).glob("prefect.db")
        with sqlite3.connect(path, timeout=30, isolation_level=None) as held:
            held.execute("BEGIN EXCLUSIVE")
            try:
                yield
            finally:
                held.execute("ROLLBACK")
        held.close()


class Weekly:
    """Weekly runs on the platform, each with a new delivery, until it is told to stop; use it as a context."""

    def __init__(self, shop: WeeklyShop, store: str, late_by: int) -> None:
        self._shop, self._store = shop, store
        self._log = shop.root / "weekly.log"
        self._coming = shop.weeks[-late_by:]
        self._over = threading.Event()
        self._process: Any = None
        self._thread = threading.Thread(target=self._work)
        self._before = 0  # flows that had begun when this run was started
        self.ends: list[int] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        """The run that is at work comes to its end, unless the drill itself was broken off."""
        self._over.set()
        if kind is not None:
            self._end()
        self._thread.join()

    def run(self) -> int:
        """One, to its end."""
        arguments = ("run", "--source", "exports", "--store", self._store, "--param", "promote.keep_releases=100")
        command, checkout = [sys.executable, "-c", COMMAND, *arguments], self._shop.checkout
        self._before = self._begun
        with self._log.open("ab") as log:
            own = {"cwd": checkout.root, "env": checkout.environment, "stdout": log, "stderr": log}
            self._process = subprocess.Popen(command, start_new_session=True, **own)  # noqa: S603
            code = int(self._process.wait())
        self._process = None
        return code

    def kill(self, later: float) -> None:
        """kill -9 of the run that is at work, so many seconds from now; waits until its flow has begun."""
        killed = False
        while not killed:
            until(lambda: self._process is not None and self._begun > self._before, "a flow to begin", LONGEST_RUN)
            time.sleep(later)
            killed = self._end()

    def _end(self) -> bool:
        process = self._process
        if process is None or process.poll() is not None:
            return False
        os.killpg(process.pid, signal.SIGKILL)  # a session of its own: the run and what it started
        return True

    @property
    def _begun(self) -> int:
        """Flow runs so far."""
        return self._log.read_text(errors="replace").count(BEGUN) if self._log.exists() else 0

    def _work(self) -> None:
        while not self._over.is_set():
            if self._coming:
                self._shop.deliver(self._coming.pop(0))
            else:  # what the newest week sold changes once more
                week = self._shop.weeks[-1]
                lines = self._shop.of(week).with_columns(pl.col("Quantity") * (2 + len(self.ends)))
                lines.write_parquet(self._shop.source / f"{week}.parquet")
            self.ends.append(self.run())
            self._over.wait(1)
