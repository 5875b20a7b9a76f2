"""The playground starts over what was promoted, and says what to do where nothing was."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from tests.canaries import ENVIRONMENT, PASSWORD, leaks, redis_of, written
from tests.listening import listening, needs_proc
from tests.synthetic_shop import Shop

ROOT = Path(__file__).parents[2]


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-c", "from cli.main import main; main()", "serve", *arguments]


@contextmanager
def served(*arguments: str) -> Iterator[str]:
    """The address that the command prints."""
    with started(*arguments) as (address, _, _):
        yield address


class Output:
    """What a process prints, as it is read."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.lines: list[str] = []

    def until(self, pattern: str) -> str:
        for line in self._stream:
            self.lines.append(line)
            if found := re.search(pattern, line):
                return found.group()
        raise AssertionError("".join(self.lines))


@contextmanager
def started(
    *arguments: str, extra: dict[str, str] | None = None
) -> Iterator[tuple[str, "subprocess.Popen[str]", list[str]]]:
    """The address that the command prints, its process, and what it has said until then."""
    arguments = ("--port", "0", *arguments)
    environment = os.environ | (extra or {})
    pipes = {"stdout": subprocess.PIPE, "text": True} | ({"stderr": subprocess.PIPE} if extra else {})
    with subprocess.Popen(command(*arguments), cwd=ROOT, env=environment, **pipes) as process:
        try:
            output = Output(process.stdout)
            yield output.until(r"http://\S+"), process, output.lines
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


@needs_proc
@pytest.mark.parametrize("redis", [[], ["--redis"]], ids=["serve", "with Redis"])
def test_serve_listens_on_this_machine_alone(shop: Shop, redis: list[str]) -> None:
    with started(*redis, "--store", str(shop.folder)) as (_, process, _):
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        for one in (process.pid, *map(int, children)):
            assert listening(one) == {"127.0.0.1"}


@needs_proc
@pytest.mark.parametrize(("asked", "address"), [([], "127.0.0.1"), (["--host", "0.0.0.0"], "0.0.0.0")])
def test_the_gateway_listens_on_this_machine_alone_unless_asked_otherwise(
    shop: Shop, free_port: Callable[[], int], asked: list[str], address: str
) -> None:
    port = free_port()
    own = [sys.executable, "-m", "inference.dev_server", "--store", str(shop.folder), "--port", str(port), *asked]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(own, cwd=ROOT, **quiet) as process:
        try:
            deadline = time.monotonic() + 60
            while not listening(process.pid) and time.monotonic() < deadline:
                time.sleep(0.05)
            assert listening(process.pid) == {address}
        finally:
            process.terminate()


# Secrets: the address of Redis holds a password, and everything that is served or printed is looked through.


@pytest.mark.parametrize("trouble", ["none", "a password that breaks the URL", "no Redis there"])
def test_what_serve_says_and_answers_holds_no_secret(
    shop: Shop, redis_url: str, free_port: Callable[[], int], trouble: str
) -> None:
    url = redis_of(redis_url)
    if trouble == "a password that breaks the URL":
        url = redis_url.replace("://", f"://:{PASSWORD}/{PASSWORD}#@")
    elif trouble == "no Redis there":
        url = redis_of(f"redis://127.0.0.1:{free_port()}/0")
    asked, extra = ("--store", str(shop.folder), "--log"), ENVIRONMENT | {"PRICEWRIGHT_REDIS_URL": url}
    answers: list[str] = []
    with started(*asked, extra=extra) as (at, process, begun):
        for bins in range(10, 30):
            answers.append(json.dumps(read(f"{at}/v1/predict-price/20007?num_price_bins={bins}")))
            health = read(f"{at}/v1/health")["redis"]
            answers.append(health)
            if health != "opening" and (health == "ok") == (trouble == "none"):  # not asked yet, it counts as well
                break
            time.sleep(0.1)
        assert (health == "ok") == (trouble == "none") and health not in ("opening", "off"), health
        for path in ("/v1/releases/current", "/v1/skus", "/v1/price-list", "/openapi.json", "/"):
            with urlopen(f"{at}{path}", timeout=10) as answer:
                answers.append(answer.read().decode() + str(answer.headers))
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=15)
    printed = "".join(begun) + rest
    texts = [("a reply", text.encode()) for text in answers]
    assert leaks([*texts, ("the terminal", printed.encode()), ("errors", errors.encode()), *written(shop.folder)]) == []
    assert "answers are kept in redis://***@" in printed


def test_doctor_says_what_is_wrong_and_no_secret(free_port: Callable[[], int]) -> None:
    broken = f"redis://:{PASSWORD}/{PASSWORD}#@127.0.0.1:{free_port()}/0"
    for url in (broken, redis_of(f"redis://127.0.0.1:{free_port()}/0")):
        extra = ENVIRONMENT | {"PRICEWRIGHT_REDIS_URL": url, "PREFECT_API_URL": f"http://127.0.0.1:{free_port()}/api"}
        own = [sys.executable, "-c", "from cli.main import main; main()", "doctor"]
        done = subprocess.run(
            own, cwd=ROOT, capture_output=True, text=True, env=os.environ | extra, timeout=60, check=False
        )
        assert "warn  redis" in done.stdout and "Traceback" not in done.stderr
        assert leaks([("the terminal", (done.stdout + done.stderr).encode())]) == []


def refusal(*arguments: str) -> str:
    done = subprocess.run(command(*arguments), cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode and not done.stdout
    return done.stderr


def test_where_nothing_was_promoted_it_says_what_to_do(shop: Shop, tmp_path: Path) -> None:
    text = refusal("--store", str(tmp_path / "empty"))
    assert "serves no release yet" in text and "make run" in text
    assert "channel staging" in refusal("--store", str(shop.folder), "--channel", "staging")


def test_a_port_that_is_taken_is_one_clear_line(shop: Shop) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert f"port {port} cannot be had" in refusal("--store", str(shop.folder), "--port", port)
