"""Lambda's own runtime, in the emulator that AWS ships, answers over HTTP as the price list says."""

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import polars as pl
import pytest

from tests.inference.lambda_base import base_python
from tests.inference.lean import find_python, install
from tests.synthetic_shop import Shop

ROOT = Path(__file__).parents[2]
EMULATOR = "samcli/local/rapid/aws-lambda-rie-x86_64"


@pytest.fixture(scope="module")
def lambda_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Python with the image's packages and Lambda's runtime client; the emulator comes out of AWS SAM's package."""
    python = install(
        find_python(base_python()),
        tmp_path_factory.mktemp("lambda") / "venv",
        ["-r", str(ROOT / "inference" / "pylock.toml")],
        ["awslambdaric"],
        ["--no-deps", "aws-sam-cli"],
    )
    if os.uname().machine != "x86_64":
        pytest.skip("the emulator's binary is for x86_64")
    return python


def post(port: int, event: Any) -> Any:
    url = f"http://127.0.0.1:{port}/2015-03-31/functions/function/invocations"
    with urlopen(Request(url, json.dumps(event).encode(), method="POST"), timeout=20) as answer:
        return json.load(answer)


@pytest.fixture
def function(
    lambda_python: Path, steady: Shop, tmp_path: Path, free_port: Callable[[], int]
) -> Iterator[Callable[[Any], Any]]:
    """Invokes the function, as the service does."""
    (emulator,) = lambda_python.parents[1].glob(f"lib/python*/site-packages/{EMULATOR}")
    emulator.chmod(0o755)
    port, runtime = free_port(), free_port()
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PRICEWRIGHT_STORE": str(steady.folder)}
    command = [str(emulator), "--runtime-interface-emulator-address", f"127.0.0.1:{port}"]
    command += ["--runtime-api-address", f"127.0.0.1:{runtime}"]
    command += [str(lambda_python), "-m", "awslambdaric", "inference.handler.handler"]
    with (
        (tmp_path / "log").open("w") as log,
        subprocess.Popen(command, env=environment, cwd=ROOT, stdout=log, stderr=log) as process,
    ):
        try:
            _wait_for(port)
            yield lambda event: post(port, event)
        finally:
            process.terminate()


def _wait_for(port: int) -> None:
    import socket

    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise AssertionError("the emulator does not listen")


def test_an_event_of_api_gateway_gets_the_price_of_the_price_list(function, steady: Shop) -> None:
    (path,) = (steady.folder / "releases").glob("*/price_list.parquet")
    for row in pl.read_parquet(path).head(5).to_dicts():
        http = {"method": "GET", "path": f"/v1/predict-price/{row['stock_code']}"}
        event = {"version": "2.0", "rawPath": http["path"], "requestContext": {"http": http, "stage": "$default"}}
        answer = function(event)
        content = json.loads(answer["body"])
        assert (answer["statusCode"], content["model"], content["fallbacks"]) == (200, "network", [])
        assert content["optimal_price"] == pytest.approx(row["optimal_price"], rel=1e-6)
        assert len(content["curve"]["unit_price"]) == 50


def test_a_warm_up_and_nonsense_are_answered_too(function) -> None:
    assert function({"warmup": True})["status"] == "warm"
    assert function({"what": 1})["status"] == 400
