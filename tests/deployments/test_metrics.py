"""What Prometheus reads of the stack, and that the dashboard asks for nothing else."""

import json
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.error import URLError
from urllib.parse import quote
from urllib.request import Request, urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families
from werkzeug.serving import make_server

from blocks.lake import Lake
from deployments.metrics import STATES, Metrics, Runs
from deployments.stack_web import make_desk
from inference.dev_server import make_gateway
from inference.handler import make_app
from inference.settings import read_settings
from tests.synthetic_shop import Shop

ROOT = Path(__file__).parents[2]
DASHBOARD: dict[str, Any] = json.loads((ROOT / "deployments" / "grafana.json").read_text())
PROMETHEUS = shutil.which("prometheus")


def prefect_says(path: str, body: dict[str, Any] | None) -> Any:
    if body is None:
        return {"status": "READY"}
    (state,) = body["flow_runs"]["state"]["type"]["any_"]
    return STATES.index(state)


def silent(path: str, body: dict[str, Any] | None) -> Any:
    raise URLError("connection refused")


def samples(text: bytes) -> dict[str, float]:
    """Every value by its name and labels, as Prometheus' own parser reads them."""
    families = text_string_to_metric_families(text.decode())
    return {
        f"{sample.name}{json.dumps(sample.labels, sort_keys=True)}": sample.value
        for family in families
        for sample in family.samples
    }


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[str]:
    """The stack's web server over a release, with a Prefect that answers."""
    shop = Shop(tmp_path / "lake")
    shop.point(shop.write())
    metrics = Metrics(Runs(prefect_says))
    settings = read_settings({"PRICEWRIGHT_STORE": str(shop.folder), "PRICEWRIGHT_CHANNEL": "production"})
    gateway = make_gateway(make_app(settings, log=metrics.observe))
    server = make_server(
        "127.0.0.1", 0, make_desk(gateway, Lake(str(shop.folder)), tmp_path / "notices.jsonl", metrics), threaded=True
    )
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def ask(url: str, method: str = "GET") -> bytes:
    with urlopen(Request(url, b"" if method == "POST" else None, method=method), timeout=30) as answer:
        return bytes(answer.read())


def exercise(desk: str) -> None:
    """A price twice, the warm-up, and a question without an answer."""
    ask(f"{desk}/v1/warmup", "POST")
    for _ in range(2):
        ask(f"{desk}/v1/predict-price/20000A")
    with pytest.raises(URLError):
        ask(f"{desk}/v1/predict-price/NOTHING")


def test_requests_models_release_runs_and_worker_are_counted(desk: str) -> None:
    exercise(desk)
    found = samples(ask(f"{desk}/metrics"))
    route = "/v1/predict-price/{stock_code}"
    assert found[f'pricewright_requests_total{{"route": "{route}", "status": "200"}}'] == 2
    assert found[f'pricewright_requests_total{{"route": "{route}", "status": "404"}}'] == 1
    assert found[f'pricewright_request_seconds_count{{"route": "{route}"}}'] == 3
    assert sum(value for name, value in found.items() if name.startswith("pricewright_answers_total")) == 3
    assert any(name.startswith('pricewright_release_info{"release": "2011-W48-') for name in found)
    assert found["pricewright_data_age_days{}"] > 0 and found["pricewright_release_trouble{}"] == 0
    assert found['pricewright_runs{"state": "paused"}'] == STATES.index("PAUSED")
    assert found["pricewright_worker_up{}"] == 1 == found["pricewright_prefect_up{}"]


def test_a_silent_server_is_a_number_and_no_error() -> None:
    found = samples(Metrics(Runs(silent)).text)
    assert found["pricewright_prefect_up{}"] == 0
    assert not [name for name in found if name.startswith("pricewright_runs")]


def test_the_dashboard_asks_for_what_there_is(desk: str) -> None:
    exercise(desk)
    names = {name.partition("{")[0] for name in samples(ask(f"{desk}/metrics"))}
    panels = DASHBOARD["panels"]
    asked = {name for panel in panels for target in panel["targets"]
             for name in re.findall(r"pricewright_\w+", target["expr"])}  # fmt: skip
    assert asked <= names and len(asked) > 8
    assert len({panel["id"] for panel in panels}) == len(panels) and all(panel["description"] for panel in panels)


@contextmanager
def prometheus(folder: Path, desk: str, port: int) -> Iterator[str]:
    """A real one that reads the desk every second."""
    assert PROMETHEUS is not None
    target = desk.removeprefix("http://")
    (folder / "prometheus.yml").write_text(
        "global: {scrape_interval: 1s}\n"
        f"scrape_configs: [{{job_name: pricewright, static_configs: [{{targets: ['{target}']}}]}}]\n"
    )
    command = [PROMETHEUS, f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
               f"--web.listen-address=127.0.0.1:{port}", "--log.level=error"]  # fmt: skip
    with subprocess.Popen(command) as process:
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


@pytest.mark.skipif(PROMETHEUS is None, reason="needs Prometheus: apt-get install prometheus; its parser is used above")
def test_a_real_prometheus_answers_every_question_of_the_dashboard(
    desk: str, tmp_path: Path, free_port: Callable[[], int]
) -> None:
    exercise(desk)
    with prometheus(tmp_path, desk, free_port()) as url:
        deadline = time.monotonic() + 60
        found: list[Any] = []
        while not found and time.monotonic() < deadline:
            try:
                answer = json.loads(ask(f"{url}/api/v1/query?query={quote('pricewright_release_info')}"))
                found = answer["data"]["result"]
            except (URLError, OSError):
                pass
            time.sleep(0.2)
        assert found and found[0]["metric"]["release"].startswith("2011-W48-")
        for panel in DASHBOARD["panels"]:
            for target in panel["targets"]:
                answer = json.loads(ask(f"{url}/api/v1/query?query={quote(target['expr'])}"))
                assert answer["status"] == "success", target["expr"]
