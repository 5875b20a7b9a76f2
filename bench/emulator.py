"""Lambda's own runtime in the emulator that AWS ships, and the two Pythons that are run in it."""

import json
import os
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from cli.serve import free_port

ROOT = Path(__file__).parents[1]
EMULATOR = "samcli/local/rapid/aws-lambda-rie-x86_64"
PATIENCE = 60.0


def lean_python(folder: Path) -> Path:
    """A Python with the image's packages and no others."""
    _uv("venv", "--quiet", "--python", sys.executable, str(folder))
    python = folder / "bin" / "python"
    _uv(*_INSTALL, "--python", str(python), "-r", str(ROOT / "inference" / "requirements.txt"))
    return python


def runtime(folder: Path) -> Path:
    """A folder for PYTHONPATH with Lambda's runtime client and the emulator, out of AWS SAM's package."""
    _uv(*_INSTALL, "--target", str(folder), "awslambdaric")
    _uv(*_INSTALL, "--target", str(folder), "--no-deps", "aws-sam-cli")
    (folder / EMULATOR).chmod(0o755)
    return folder


@contextmanager
def function(
    python: Path, tools: Path, handler: str, environment: Mapping[str, str]
) -> Iterator[Callable[[Any], tuple[Any, float]]]:
    """Invokes the function over HTTP, a connection each; gives the reply and its seconds. The first call is cold."""
    port, api = free_port(), free_port()
    command = [str(tools / EMULATOR), "--runtime-interface-emulator-address", f"127.0.0.1:{port}"]
    command += ["--runtime-api-address", f"127.0.0.1:{api}", str(python), "-m", "awslambdaric", handler]
    own = {"PATH": os.environ["PATH"], "PYTHONPATH": f"{ROOT}:{tools}", "OPENBLAS_NUM_THREADS": "1", **environment}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, env=own, cwd=ROOT, **quiet) as process:  # noqa: S603 - words of our own
        try:
            _wait_for(port)
            yield lambda event: _post(port, event)
        finally:
            process.terminate()


_INSTALL = ("pip", "install", "--quiet", "--compile-bytecode")


def _post(port: int, event: Any) -> tuple[Any, float]:
    """The reply and its seconds from the first byte sent to the last one read; a connection of its own."""
    body = json.dumps(event).encode()
    began = time.perf_counter()
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    connection.request("POST", "/2015-03-31/functions/function/invocations", body)
    answer = connection.getresponse().read()
    seconds = time.perf_counter() - began
    connection.close()
    return json.loads(answer), seconds


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.01)
    raise TimeoutError("the emulator does not listen")


def _uv(*arguments: str) -> None:
    environment = dict(os.environ)
    if os.environ.get("PIP_FIND_LINKS"):
        environment["UV_FIND_LINKS"] = os.environ["PIP_FIND_LINKS"]
    else:
        environment.pop("UV_FIND_LINKS", None)
    uv = Path(sysconfig.get_path("scripts")) / "uv"
    subprocess.run([str(uv), *arguments], env=environment, check=True)  # noqa: S603 - words of our own
