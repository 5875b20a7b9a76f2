"""The whole platform on a tiny market, started once as a user starts it: `pricewright up --detach`."""

import os
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import FlowRun, StateType

from deployments.stack import Stack, running_stack
from testing.checkout import Checkout, make_checkout

WEEKLY = "refresh-prices/weekly"
PATIENCE = 400.0  # seconds; a tiny weekly run takes 40 on two idle cores, and these may be busy


@dataclass
class Platform:
    """A stack that runs, the checkout it belongs to, and a client of its server."""

    checkout: Checkout
    stack: Stack
    client: SyncPrefectClient
    printed: str  # what `up` printed

    def run(self, deployment: str, **request: Any) -> FlowRun:
        """Start a run of a deployment as the UI does; defaults of the deployment hold."""
        known = self.client.read_deployment_by_name(deployment)
        parameters = {"request": known.parameters.get("request", {}) | request}
        return self.client.create_flow_run_from_deployment(known.id, parameters=parameters)

    def wait(self, run: FlowRun, *states: StateType) -> FlowRun:
        """The run, once it is in one of these states (or has ended)."""
        wanted = states or (StateType.COMPLETED,)

        def reached() -> FlowRun | None:
            now = self.client.read_flow_run(run.id)
            good = now.state is not None and (now.state.type in wanted or now.state.is_final())
            return now if good else None

        return until(reached, f"{run.name} to be {', '.join(wanted)}")

    def artifacts(self, run: FlowRun) -> dict[str, Any]:
        """What the run left in the UI: data by key."""
        wanted = {"flow_runs": {"id": {"any_": [str(run.id)]}}, "limit": 200}
        found = self.client._client.post("/artifacts/filter", json=wanted).json()
        return {artifact["key"]: artifact["data"] for artifact in found if artifact["key"]}

    def events(self, name: str) -> list[dict[str, Any]]:
        """Events of this name (or prefix, with a dot at the end)."""
        kind = {"prefix": [name]} if name.endswith(".") else {"name": [name]}
        answer = self.client._client.post("/events/filter", json={"filter": {"event": kind}, "limit": 50})
        return list(answer.json()["events"])


def until(look: Callable[[], Any], what: str, patience: float = PATIENCE) -> Any:
    """What `look` gives as soon as it gives anything."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.2)
    raise AssertionError(f"waited {patience:g} s for {what}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Function, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failure comes with what the stack's processes wrote last."""
    report = yield
    platform = getattr(item, "funcargs", {}).get("platform")
    if report.failed and platform is not None:
        for log in sorted(Path(platform.stack.folder).glob("*.log")):
            report.sections.append((log.name, "\n".join(log.read_text().splitlines()[-20:])))
    return report


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory, free_port: Callable[[], int]) -> Iterator[Platform]:
    """One for all tests; none of them stops it."""
    checkout = make_checkout(tmp_path_factory.mktemp("platform"))
    ports = ["--port", str(free_port()), "--prefect-port", str(free_port())]
    up = checkout.pricewright("up", "--detach", *ports)
    assert up.returncode == 0, up.stdout + up.stderr
    try:
        stack = running_stack(checkout.root)
        assert stack is not None
        os.environ["PRICEWRIGHT_APPROVAL_KEY"] = stack.environment["PRICEWRIGHT_APPROVAL_KEY"]
        url, auth = (stack.environment[name] for name in ("PREFECT_API_URL", "PREFECT_API_AUTH_STRING"))
        with SyncPrefectClient(url, auth_string=auth) as client:
            yield Platform(checkout, stack, client, up.stdout)
    finally:
        os.environ.pop("PRICEWRIGHT_APPROVAL_KEY", None)
        down = checkout.pricewright("down")
    assert down.returncode == 0, down.stdout + down.stderr


@pytest.fixture(scope="session")
def weekly(platform: Platform) -> FlowRun:
    """The first weekly run, at its end."""
    return platform.wait(platform.run(WEEKLY))
