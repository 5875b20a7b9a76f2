"""What Prometheus reads at `/metrics` of the stack's web server: requests and releases of the API, runs and the worker.

deployments/grafana.json shows them.
"""

import json
import os
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

SECONDS = (0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
STATES = ("SCHEDULED", "PENDING", "RUNNING", "PAUSED", "COMPLETED", "FAILED", "CRASHED", "CANCELLED")
TAG, POOL = "pricewright", "pricewright-process"
PATIENCE = 5.0  # seconds for Prefect's server; Prometheus gives a scrape ten
Ask = Callable[[str, dict[str, Any] | None], Any]


class Metrics:
    """Counts what the API logs; `text` is what Prometheus reads."""

    def __init__(self, *collectors: Collector) -> None:
        own = self._registry = CollectorRegistry()
        self._requests = Counter(
            "pricewright_requests", "Requests that the API answered.", ["route", "status"], registry=own
        )
        self._seconds = Histogram(
            "pricewright_request_seconds", "How long an answer took.", ["route"], buckets=SECONDS, registry=own
        )
        self._answers = Counter(
            "pricewright_answers", "Prices by the model that gave them.", ["model", "cache"], registry=own
        )
        self._fallbacks = Counter("pricewright_fallbacks", "Answers that the network did not give.", registry=own)
        self._trouble = Gauge(
            "pricewright_release_trouble", "1 while the release is not the one that the channel names.", registry=own
        )
        self._age = Gauge("pricewright_data_age_days", "Days since the last week that was learned from.", registry=own)
        self._release = Info("pricewright_release", "The release that answered last.", registry=own)
        for collector in collectors:
            own.register(collector)

    def observe(self, line: str) -> None:
        """Count a request by the line that the API logs for it (inference/log.py)."""
        entry: dict[str, Any] = json.loads(line)
        route = entry["Route"]
        self._requests.labels(route, str(entry["Status"])).inc()
        self._seconds.labels(route).observe(entry["Milliseconds"] / 1000)
        self._trouble.set(entry["ReleaseTrouble"])
        if "model" in entry:
            self._answers.labels(entry["model"], str(entry.get("cache", "none"))).inc()
        if entry["FellBack"]:
            self._fallbacks.inc()
        if "DataAgeDays" in entry:
            self._age.set(entry["DataAgeDays"])
        if entry.get("release"):
            self._release.info({"release": entry["release"]})

    @property
    def text(self) -> bytes:
        """All of it, in Prometheus' own format."""
        return generate_latest(self._registry)


class Runs(Collector):
    """Runs by state, and whether a worker is there, as Prefect's server says it when Prometheus asks."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Nothing is asked before the first scrape."""
        return iter(())

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """See Collector; while the server is silent, pricewright_prefect_up is 0 and the others are missing."""
        up = GaugeMetricFamily("pricewright_prefect_up", "1 while Prefect's server answers.")
        try:
            counts = {state: int(self._ask("/flow_runs/count", runs_in(state))) for state in STATES}
            ready = self._ask(f"/work_pools/{POOL}", None)["status"] == "READY"
        except (URLError, OSError, ValueError, KeyError):
            up.add_metric([], 0)
            yield up
            return
        up.add_metric([], 1)
        yield up
        runs = GaugeMetricFamily(
            "pricewright_runs", "Runs by state; a paused one waits for a person.", labels=["state"]
        )
        for state, count in counts.items():
            runs.add_metric([state.lower()], count)
        yield runs
        worker = GaugeMetricFamily("pricewright_worker_up", "1 while a worker asks for work.")
        worker.add_metric([], int(ready))
        yield worker


def runs_in(state: str) -> dict[str, Any]:
    """The filter of Prefect's API for the project's runs in a state."""
    return {"flow_runs": {"state": {"type": {"any_": [state]}}, "tags": {"all_": [TAG]}}}


def ask_prefect(environment: Mapping[str, str] = os.environ) -> Ask:
    """Asks the server of PREFECT_API_URL, without importing Prefect, which takes this process 100 MB."""
    url, auth = environment["PREFECT_API_URL"], environment.get("PREFECT_API_AUTH_STRING", "")
    headers = {"content-type": "application/json"}
    if auth:
        headers["authorization"] = f"Basic {b64encode(auth.encode()).decode()}"

    def ask(path: str, body: dict[str, Any] | None) -> Any:
        content = None if body is None else json.dumps(body).encode()
        with urlopen(Request(f"{url}{path}", content, headers), timeout=PATIENCE) as answer:  # noqa: S310
            return json.loads(answer.read())

    return ask
