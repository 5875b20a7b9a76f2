"""A run on somebody's own Prefect server waits while that starts again, and says so when nobody answers."""

import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from flows.embedded import EPHEMERAL, prefect_server, wait_for_server
from pricewright.core.errors import PricewrightError


class Closed(BaseHTTPRequestHandler):
    """Wants a log-in first."""

    def do_GET(self) -> None:
        self.send_error(401)

    def log_message(self, *_: object) -> None:
        pass


def test_a_server_that_nobody_starts_is_named_with_what_to_do(free_port: Callable[[], int]) -> None:
    url = f"http://127.0.0.1:{free_port()}/api"
    with pytest.raises(PricewrightError, match=r"does not answer: .*refused") as caught:
        wait_for_server(url, patience=0.2)
    assert url in caught.value.message and "pricewright up" in caught.value.hint


def test_prefects_own_ephemeral_server_is_not_waited_for() -> None:
    wait_for_server(EPHEMERAL, patience=0.0)


def test_a_server_that_is_starting_again_is_waited_for(free_port: Callable[[], int], tmp_path: Path) -> None:
    port = free_port()

    def serve_one() -> None:
        time.sleep(0.7)
        with HTTPServer(("127.0.0.1", port), Closed) as server:
            server.handle_request()

    thread = threading.Thread(target=serve_one)
    thread.start()
    url = f"http://127.0.0.1:{port}/api"
    began = time.monotonic()
    with prefect_server(tmp_path, {"PREFECT_API_URL": url}) as used:
        assert used == url and time.monotonic() - began > 0.6
    thread.join()
