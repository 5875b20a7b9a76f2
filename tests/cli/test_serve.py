"""The playground starts over what was promoted, and says what to do where nothing was."""

import json
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from tests.synthetic_shop import Shop

ROOT = Path(__file__).parents[2]


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-c", "from cli.main import main; main()", "serve", *arguments]


@contextmanager
def served(*arguments: str) -> Iterator[str]:
    """The address that the command prints."""
    arguments = ("--port", "0", *arguments)
    with subprocess.Popen(command(*arguments), cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            yield next(found.group() for line in process.stdout if (found := re.search(r"http://\S+", line)))
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(15) == 0


def read(url: str) -> Any:
    with urlopen(url, timeout=10) as answer:
        return json.load(answer)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    made = Shop(tmp_path / "lake")
    made.point(made.write())
    return made


def test_the_playground_serves_what_was_promoted(shop: Shop) -> None:
    with served("--store", str(shop.folder)) as address:
        with urlopen(address, timeout=10) as page:
            assert b"Start analysis" in page.read()
        assert read(f"{address}/v1/predict-price/20007")["model"] == "network"
        assert read(f"{address}/v1/health")["redis"] == "off"


def test_the_stack_has_a_redis_that_ends_with_it(shop: Shop) -> None:
    with served("--store", str(shop.folder), "--redis", "--log") as address:
        deadline = time.monotonic() + 10
        bins = 10
        while (state := read(f"{address}/v1/health")["redis"]) != "ok" and time.monotonic() < deadline:
            bins += 1
            read(f"{address}/v1/predict-price/20007?num_price_bins={bins}")
        assert state == "ok"


def said(*arguments: str) -> str:
    done = subprocess.run(command(*arguments), cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode and not done.stdout
    return done.stderr


def test_where_nothing_was_promoted_it_says_what_to_do(shop: Shop, tmp_path: Path) -> None:
    text = said("--store", str(tmp_path / "empty"))
    assert "serves no release yet" in text and "make run" in text
    assert "channel staging" in said("--store", str(shop.folder), "--channel", "staging")


def test_a_port_that_is_taken_is_one_clear_line(shop: Shop) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert f"port {port} cannot be had" in said("--store", str(shop.folder), "--port", port)
