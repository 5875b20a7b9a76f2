"""Images built by buildah and run without a container engine; what builds them needs root."""

import json
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from tests.inference.lambda_base import ENVIRONMENT, make_base

ROOT = Path(__file__).parents[1]
BUILDAH = ("buildah", "--storage-driver", "vfs")
CERTIFICATES = "/etc/ssl/certs"
ISOLATED = ("--isolation", "chroot")
MOUNTED = ("-v", f"{CERTIFICATES}:{CERTIFICATES}:ro")
NO_CONTAINERS = ("not permitted", "permission denied", "Permission denied")  # to whoever asks, buildah or its mounts
NO_REGISTRY = ("Max retries exceeded",)  # to an installer; that a package has no wheel for the base is a failure
INVOCATIONS = "/2015-03-31/functions/function/invocations"


def run(*command: str, may_lack: tuple[str, ...] = ()) -> str:
    """What a command prints; the test is skipped when it fails for want of one of these, which are not ours to give."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode and any(lack in done.stdout + done.stderr for lack in may_lack):
        pytest.skip(f"{' '.join(command[:6])}... is not possible here: {done.stderr[-300:]}")
    assert not done.returncode, f"{' '.join(command[:6])}...: {done.stdout[-1500:]} {done.stderr[-1500:]}"
    return done.stdout.strip()


@contextmanager
def image_storage(folder: Path) -> Iterator[list[str]]:
    """buildah with images of its own, which end with the context; the test is skipped where it cannot be had."""
    if os.environ.get("PRICEWRIGHT_IMAGE_TESTS") == "0":
        pytest.skip("PRICEWRIGHT_IMAGE_TESTS=0 asks for no images")
    if shutil.which("buildah") is None or os.geteuid() or os.uname().machine != "x86_64":
        pytest.skip("building an image needs root, x86_64 and buildah: apt-get install buildah")
    yield [*BUILDAH, "--root", str(folder / "root"), "--runroot", str(folder / "run")]
    shutil.rmtree(folder, ignore_errors=True)


def build_base(storage: list[str], folder: Path) -> str:
    """The name of an image in the place of Lambda's own."""
    make_base(folder)
    container = run(*storage, "from", "scratch")
    run(*storage, "add", "--quiet", container, str(folder), "/")
    settings = [word for name, value in ENVIRONMENT.items() for word in ("--env", f"{name}={value}")]
    run(*storage, "config", "--entrypoint", '["/lambda-entrypoint.sh"]', *settings, container)
    ensure = [container, "--", "python3", "-m", "ensurepip"]
    run(*storage, "run", *ISOLATED, *ensure, may_lack=NO_CONTAINERS)
    run(*storage, "commit", "--quiet", container, "localhost/base")
    run(*storage, "rm", container)
    shutil.rmtree(folder)
    return "localhost/base"


def copy_context(folder: Path) -> Path:
    """What a checkout holds of the price API's image."""
    for name in ("pricewright", "inference", ".ci"):
        shutil.copytree(ROOT / name, folder / name)
    for name in ("Dockerfile", ".dockerignore"):
        shutil.copy(ROOT / name, folder)
    return folder


@contextmanager
def started(
    storage: list[str], image: str, container: str, port: Callable[[], int], variables: dict[str, str],
    log: Callable[[str], None] | None = None,
) -> Iterator[Callable[[Any], Any]]:  # fmt: skip
    """Invokes the function in an image, started as Lambda starts it: entry point, command and user of the image."""
    config = json.loads(run(*storage, "inspect", image))["OCIv1"]["config"]
    own = {"RIE_PORT": str(port()), "RUNTIME_PORT": str(port())}
    given = [word for name, value in (variables | own).items() for word in ("--env", f"{name}={value}")]
    command = [*storage, "run", *ISOLATED, *given, container, "--", *config["Entrypoint"], *config["Cmd"]]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE if log else subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as made:
        if log:
            threading.Thread(target=_follow, args=(made.stdout, log), daemon=True).start()
        try:
            yield lambda event: invoke(int(own["RIE_PORT"]), event)
        finally:
            os.killpg(made.pid, signal.SIGTERM)


def _follow(lines: Iterator[str], log: Callable[[str], None]) -> None:
    for text in lines:
        if text.startswith('{"'):  # ours; the emulator's own begin with a date
            log(text)


def invoke(port: int, event: Any) -> Any:
    """The function's answer."""
    deadline = time.monotonic() + 30
    while True:
        connection = HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            connection.request("POST", INVOCATIONS, json.dumps(event))
            reply = json.load(connection.getresponse())
            assert "errorType" not in reply, reply
            return reply
        except ConnectionRefusedError:
            assert time.monotonic() < deadline, "the emulator in the image does not listen"
            time.sleep(0.1)
        finally:
            connection.close()


def get(path: str) -> dict[str, Any]:
    """A request as API Gateway hands it on."""
    http = {"method": "GET", "path": path}
    return {"version": "2.0", "rawPath": path, "requestContext": {"http": http, "stage": "$default"}}
