"""The platform as a user starts it, `pricewright up --detach`."""

import json
import sqlite3
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self
from urllib.error import URLError
from urllib.request import Request, urlopen

import redis

from deployments.stack import Stack, control, running_stack, stop
from drill.machine import kill, until
from flows.embedded import free_port
from pricewright.core.errors import DeploymentError
from testing.weekly_shop import WeeklyShop

QUICK = {  # for a drill of minutes, in which Redis is asked all the time
    "PRICEWRIGHT_REFRESH_SECONDS": "1",
    "PRICEWRIGHT_RETRY_SECONDS": "2",
    "PRICEWRIGHT_MEMORY_ANSWERS": "1",
}
START = 600.0


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
        login = b64encode(self.stack.environment["PREFECT_API_AUTH_STRING"].encode()).decode()
        headers = {"content-type": "application/json", "authorization": f"Basic {login}"}
        asked = Request(f"{self.stack.ui}/api/{path}", data, headers)  # noqa: S310
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
