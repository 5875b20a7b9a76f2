"""The watcher: it tells the network from a backup, and both from silence."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from werkzeug.serving import make_server

from deployments.watch import look
from inference.dev_server import make_gateway
from tasks.prefect_tasks import BACKUP, NETWORK, SILENT
from tests.synthetic_shop import Shop


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    made = Shop(tmp_path / "lake")
    made.point(made.write())
    return made


@pytest.fixture
def url(shop: Shop) -> Iterator[str]:
    """The price API over real HTTP."""
    server = make_server("127.0.0.1", 0, make_gateway(shop.app()), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_network_answers(url: str) -> None:
    event, answer = look(url)
    assert (event, answer["model"], answer["why"]) == (NETWORK, "network", "")


def test_a_backup_answers_and_the_event_says_why(shop: Shop, url: str) -> None:
    for model in (shop.folder / "releases").glob("*/network.onnx"):
        model.unlink()
    event, answer = look(url)
    assert (event, answer["model"]) == (BACKUP, "lightgbm")
    assert "network.onnx" in answer["why"]


def test_silence_is_an_event_too() -> None:
    event, answer = look("http://127.0.0.1:9")
    assert event == SILENT and "refused" in answer["why"]
