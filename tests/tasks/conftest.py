"""A process whose children promote and are killed, shared by the drills of this folder."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
Drill = Callable[..., Any]


@pytest.fixture(scope="module")
def driller(s3_endpoint: str) -> Iterator[subprocess.Popen[str]]:
    """Started once: its imports take longer than a drill."""
    command = [sys.executable, "-W", "ignore", "-m", "tests.tasks.drill"]
    own = {"PRICEWRIGHT_S3_ENDPOINT": s3_endpoint}
    own |= {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "eu-west-1"}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=ROOT, env=os.environ | own, **pipes) as process:  # type: ignore[call-overload]
        try:
            yield process
        finally:
            process.stdin.close()
            process.wait(10)


@pytest.fixture
def drill(driller: subprocess.Popen[str]) -> Drill:
    """Orders a drill, and returns what came of it: an exit code (-9: killed), or the outcomes of a race."""

    def order(do: str, **how: Any) -> Any:
        driller.stdin.write(json.dumps({"do": do} | how) + "\n")
        driller.stdin.flush()
        line = driller.stdout.readline()
        assert line, "the driller ended"
        return json.loads(line)

    return order
