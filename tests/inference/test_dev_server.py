"""The gateway speaks to the handler as API Gateway would, and serves the playground's page."""

import json
import re
import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from flask.testing import FlaskClient
from werkzeug.serving import make_server
from werkzeug.test import EnvironBuilder

from inference.dev_server import make_gateway
from inference.handler import App, make_app
from inference.settings import Settings
from tests.synthetic_shop import Shop

PLAYGROUND = Path(__file__).parents[2] / "inference" / "playground"


@pytest.fixture(scope="module")
def client(api: App) -> FlaskClient:
    return make_gateway(api).test_client()


def test_a_price_over_http_is_the_handlers_answer(client: FlaskClient, api: App) -> None:
    answer = client.get("/v1/predict-price/20007?num_price_bins=9")
    assert answer.status_code == 200 and answer.content_type == "application/json"
    direct = api({"stock_code": "20007", "num_price_bins": 9})
    assert answer.get_json() | {"cache": ""} == direct | {"cache": ""}


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/v1/predict-price/NOPE", None, 404),
        ("GET", "/v1/predict-price/20007?unitprice_min=x", None, 422),
        ("DELETE", "/v1/prices", None, 405),
        ("POST", "/v1/prices", '{"stock_codes": ["20007"]}', 200),
        ("POST", "/v1/prices", "{", 422),
        ("POST", "/v1/warmup", None, 200),
        ("GET", "/v1/nothing", None, 404),
    ],
)
def test_statuses_pass_through(client: FlaskClient, method: str, path: str, body: str | None, status: int) -> None:
    assert client.open(path, method=method, data=body).status_code == status


def test_the_page_and_all_it_loads_come_from_here(client: FlaskClient) -> None:
    page = client.get("/")
    assert "default-src 'self'" in page.headers["content-security-policy"]
    loaded = re.findall(r'(?:src|href)="(/[^"]+)"', page.text)
    loaded += [f"/playground/{path.name}" for path in PLAYGROUND.iterdir()]
    for path in loaded:
        assert client.get(path).status_code == 200, path
    for path in PLAYGROUND.iterdir():
        assert not re.findall(r"https?://(?!www\.w3\.org/2000/svg)", path.read_text()), path.name


def test_no_other_page_frames_this_one_and_no_reply_is_taken_for_html(client: FlaskClient) -> None:
    policy = client.get("/").headers["content-security-policy"]
    for rule in ("frame-ancestors 'none'", "base-uri 'none'", "object-src 'none'", "form-action 'self'"):
        assert rule in policy
    assert "script-src" not in policy and "unsafe-eval" not in policy, "scripts are those of default-src"
    for path in ("/", "/v1/ready", "/v1/price-list?format=csv", "/v1/predict-price/<b>"):
        assert client.get(path).headers["x-content-type-options"] == "nosniff", path


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/sales/%0A", 400), ("/v1/sales/a%0Ab", 400), ("/v1//ready", 404), ("/v1/sales/%2e%2e%2f", 404),
        ("/v1/%00", 404),
    ],
)  # fmt: skip
def test_whatever_a_path_holds_the_handler_answers_it(client: FlaskClient, path: str, status: int) -> None:
    answer = client.get(path)
    assert answer.status_code == status and answer.content_type == "application/problem+json"


def test_a_query_that_is_no_text_is_a_problem_and_no_failure(api: App) -> None:
    raw = {"QUERY_STRING": "search=\xff\xfe", "PATH_INFO": "/v1/skus", "REQUEST_METHOD": "GET"}
    environ = EnvironBuilder(path="/v1/skus").get_environ() | raw
    statuses: list[str] = []
    list(make_gateway(api)(environ, lambda status, headers, *_: statuses.append(status) or (lambda _: None)))
    assert statuses == ["404 NOT FOUND"]


def test_only_the_playgrounds_own_files_are_served(client: FlaskClient) -> None:
    for path in ("/playground/..%2fsettings.py", "/playground/../settings.py", "/settings.py", "/playground/nope.js"):
        assert client.get(path).status_code == 404


@pytest.fixture(scope="module")
def address(api: App) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, make_gateway(api), threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_many_at_once_over_http_all_get_their_price(address: str, api: App) -> None:
    found: list[dict[str, Any]] = []

    def ask(number: int) -> None:
        with urlopen(f"{address}/v1/predict-price/20007?num_price_bins={10 + number % 7}", timeout=10) as answer:
            found.append(json.load(answer))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 40 and {answer["model"] for answer in found} == {"network"}


def test_a_release_swap_under_load_over_http_loses_no_request(shop: Shop) -> None:
    """Real threads, sockets and seconds: the pointer moves every 50 ms while eight clients ask without a pause."""
    settings = Settings(store=str(shop.folder), refresh_seconds=0.05)
    server = make_server("127.0.0.1", 0, make_gateway(make_app(settings, log=lambda _: None)), threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    releases = [next((shop.folder / "releases").iterdir()).name, shop.write(level=0.5)]
    stop, seen = threading.Event(), list[tuple[int, str, str]]()

    def ask(number: int) -> None:
        while not stop.is_set():
            number += 1
            url = f"http://127.0.0.1:{server.server_port}/v1/predict-price/20007?num_price_bins={10 + number % 90}"
            with urlopen(url, timeout=10) as answer:  # raises for any status but 200
                content = json.load(answer)
                seen.append((answer.status, content["release"], content["model"]))

    threads = [threading.Thread(target=ask, args=(37 * number,)) for number in range(8)]
    try:
        for thread in threads:
            thread.start()
        for turn in range(20):
            shop.point(releases[turn % 2])
            time.sleep(0.05)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        server.shutdown()
        server.server_close()
    assert {release for _, release, _ in seen} == set(releases)
    assert {(status, model) for status, _, model in seen} == {(200, "network")}
    changes = sum(before[1] != after[1] for before, after in pairwise(seen))
    assert len(seen) > 100 and changes > 5
