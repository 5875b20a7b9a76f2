"""What a web page elsewhere may do to the stack's servers: nothing. What the one who started them may: everything."""

import json
import re
import shutil
from base64 import b64encode
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from inference.dev_server import make_gateway
from tests.deployments.conftest import Platform

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
ELSEWHERE = "http://prices.example"


def ask(url: str, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, dict[str, str], Any]:
    """As a browser sends it, with these headers: status, headers, content."""
    address = urlsplit(url)
    connection = HTTPConnection(str(address.hostname), address.port, timeout=30)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, None if body is None else json.dumps(body), named)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    kind = answer.headers.get("content-type", "")
    return (
        answer.status,
        {k.lower(): v for k, v in answer.headers.items()},
        json.loads(content) if "json" in kind else content,
    )


@pytest.mark.platform
def test_a_page_elsewhere_makes_no_deployment_and_runs_no_shell(platform: Platform, tmp_path: Path) -> None:
    """The request that once did: cross-origin, and of a kind for which no browser asks leave first."""
    ui, auth = platform.stack.ui, platform.stack.environment["PREFECT_API_AUTH_STRING"]
    before = {each.id for each in platform.client.read_deployments()}
    flow = platform.client.read_flow_by_name("refresh-prices")
    step = [{"prefect.deployments.steps.run_shell_script": {"script": f"touch {tmp_path}/trace"}}]
    evil = {"name": "evil", "flow_id": str(flow.id), "work_pool_name": "pricewright-process", "pull_steps": step}
    for kind in ({}, {"content_type": "text/plain"}, {"content_type": "application/json"}):
        status, headers, _ = ask(ui, "POST", "/api/deployments/", evil, origin=ELSEWHERE, **kind)
        assert status == 401 and headers.get("access-control-allow-origin") not in ("*", ELSEWHERE)
    assert {each.id for each in platform.client.read_deployments()} == before
    login = f"Basic {b64encode(auth.encode()).decode()}"
    status, _, made = ask(ui, "POST", "/api/deployments/", evil, authorization=login)
    assert status == 201, f"with the log-in it is a request that works: {made}"
    platform.client.delete_deployment(made["id"])


@pytest.mark.platform
def test_a_page_elsewhere_is_not_granted_what_it_asks_first(platform: Platform) -> None:
    asked = {
        "origin": ELSEWHERE,
        "access_control_request_method": "POST",
        "access_control_request_headers": "content-type",
    }
    status, headers, _ = ask(platform.stack.ui, "OPTIONS", "/api/deployments/", **asked)
    assert status == 400 and headers.get("access-control-allow-origin") not in ("*", ELSEWHERE)
    own = asked | {"origin": platform.stack.ui}
    status, headers, _ = ask(platform.stack.ui, "OPTIONS", "/api/deployments/", **own)
    assert status == 200 and headers["access-control-allow-origin"] == platform.stack.ui


@pytest.mark.platform
def test_a_name_that_was_turned_to_this_machine_gets_no_answer(platform: Platform) -> None:
    ui, desk = platform.stack.ui, platform.stack.playground
    for url, path in ((ui, "/api/health"), (ui, "/open"), (desk, "/"), (desk, "/v1/health")):
        assert ask(url, "GET", path)[0] in (200, 503)
        assert ask(url, "GET", path, host="localhost")[0] in (200, 503)
        assert ask(url, "GET", path, host=f"prices.example:{urlsplit(url).port}")[0] == 400, path


def test_the_playground_alone_answers_by_its_own_names_only() -> None:
    client = make_gateway(
        lambda event, _: {"statusCode": 200, "body": "{}", "headers": {}}, ["localhost"]
    ).test_client()
    for path in ("/", "/v1/health", "/openapi.json"):
        assert client.get(path).status_code == 200
        assert client.get(path, headers={"host": "prices.example"}).status_code == 400


@pytest.fixture
def page() -> Iterator[Page]:
    if BROWSER is None:
        pytest.skip("no Chromium here: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox", "--disable-gpu"])
        yield browser.new_page()
        browser.close()


@pytest.mark.platform
def test_one_click_on_the_link_that_up_prints_opens_the_ui(platform: Platform, page: Page) -> None:
    (link,) = re.findall(rf"{platform.stack.ui}/open#\S+", platform.printed)
    page.goto(link)
    expect(page.get_by_text("pricewright-process").first).to_be_visible(timeout=30_000)
    assert page.evaluate("localStorage.length") >= 1 and "/open" not in page.url
