"""The real Dockerfile is built, and its function, started under Lambda's runtime, answers over HTTP."""

import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.inference.lambda_base import ENVIRONMENT, GLIBC, LIBSTDCXX, OF_THE_BASE, base_python, make_base
from tests.synthetic_shop import Shop

pytestmark = pytest.mark.platform

ROOT = Path(__file__).parents[2]
BUILDAH = ["buildah", "--storage-driver", "vfs"]
CERTIFICATES = "/etc/ssl/certs"
NO_CONTAINERS = ("not permitted", "permission denied", "Permission denied")  # to whoever asks, buildah or its mounts
NO_REGISTRY = ("Max retries exceeded",)  # to an installer; that a package has no wheel for the base is a failure
MOST_MEGABYTES = 200  # of installed packages
INVOCATIONS = "/2015-03-31/functions/function/invocations"


def run(*command: str, may_lack: tuple[str, ...] = ()) -> str:
    """What a command prints; the test is skipped when it fails for want of one of these, which are not ours to give."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode and any(lack in done.stdout + done.stderr for lack in may_lack):
        pytest.skip(f"{' '.join(command[:6])}... is not possible here: {done.stderr[-300:]}")
    assert not done.returncode, f"{' '.join(command[:6])}...: {done.stdout[-1500:]} {done.stderr[-1500:]}"
    return done.stdout.strip()


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """buildah with images of its own, which end with the tests."""
    if os.environ.get("PRICEWRIGHT_IMAGE_TESTS") == "0":
        pytest.skip("PRICEWRIGHT_IMAGE_TESTS=0 asks for no images")
    if shutil.which("buildah") is None or os.geteuid() or os.uname().machine != "x86_64":
        pytest.skip("building an image needs root, x86_64 and buildah: apt-get install buildah")
    folder = tmp_path_factory.mktemp("images")
    yield [*BUILDAH, "--root", str(folder / "root"), "--runroot", str(folder / "run")]
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def base(storage: list[str], tmp_path_factory: pytest.TempPathFactory) -> str:
    """An image in the place of Lambda's own."""
    folder = tmp_path_factory.mktemp("base")
    make_base(folder)
    container = run(*storage, "from", "scratch")
    run(*storage, "add", "--quiet", container, str(folder), "/")
    settings = [word for name, value in ENVIRONMENT.items() for word in ("--env", f"{name}={value}")]
    run(*storage, "config", "--entrypoint", '["/lambda-entrypoint.sh"]', *settings, container)
    ensure = [container, "--", "python3", "-m", "ensurepip"]
    run(*storage, "run", "--isolation", "chroot", *ensure, may_lack=NO_CONTAINERS)
    run(*storage, "commit", "--quiet", container, "localhost/base")
    run(*storage, "rm", container)
    shutil.rmtree(folder)
    return "localhost/base"


@pytest.fixture(scope="module")
def container(storage: list[str], base: str, steady: Shop, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A container of the image, built from what a checkout holds and a release."""
    context = tmp_path_factory.mktemp("context")
    for name in ("pricewright", "inference", ".ci"):
        shutil.copytree(ROOT / name, context / name)
    for name in ("Dockerfile", ".dockerignore"):
        shutil.copy(ROOT / name, context)
    (release,) = (steady.folder / "releases").iterdir()
    shutil.copytree(release, context / "lake" / "releases" / release.name)
    arguments = ["--build-arg", f"BASE={base}", "--build-arg", f"RELEASE=lake/releases/{release.name}"]
    mounts = ["-v", f"{CERTIFICATES}:{CERTIFICATES}:ro"]
    build = [*mounts, *arguments, "-t", "localhost/pricewright", str(context)]
    run(*storage, "bud", "--isolation", "chroot", *build, may_lack=NO_REGISTRY)
    return run(*storage, "from", "localhost/pricewright")


def inside(storage: list[str], container: str, *command: str) -> str:
    return run(*storage, "run", "--isolation", "chroot", container, "--", *command)


@pytest.fixture(scope="module")
def function(storage: list[str], container: str, free_port: Callable[[], int]) -> Iterator[Callable[[Any], Any]]:
    """Invokes the function in the image, started as Lambda starts it: entry point, command and user of the image."""
    config = json.loads(run(*storage, "inspect", "localhost/pricewright"))["OCIv1"]["config"]
    port = free_port()
    ports = ["--env", f"RIE_PORT={port}", "--env", f"RUNTIME_PORT={free_port()}"]
    command = [*storage, "run", "--isolation", "chroot", *ports, container, "--", *config["Entrypoint"], *config["Cmd"]]
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    ) as made:
        try:
            yield lambda event: invoke(port, event)
        finally:
            os.killpg(made.pid, signal.SIGTERM)


def invoke(port: int, event: Any) -> Any:
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
    http = {"method": "GET", "path": path}
    return {"version": "2.0", "rawPath": path, "requestContext": {"http": http, "stage": "$default"}}


def test_the_image_answers_over_http_from_its_own_release_as_the_price_list_says(
    function: Callable[[Any], Any], steady: Shop
) -> None:
    (path,) = (steady.folder / "releases").glob("*/price_list.parquet")
    for row in pl.read_parquet(path).head(5).iter_rows(named=True):
        reply = function(get(f"/v1/predict-price/{row['stock_code']}"))
        answer = json.loads(reply["body"])
        assert (reply["statusCode"], answer["model"], answer["release_source"]) == (200, "network", "image")
        assert answer["optimal_price"] == pytest.approx(row["optimal_price"], rel=1e-6)
        assert len(answer["curve"]["unit_price"]) == 50


def test_the_backups_run_in_the_image_too(function: Callable[[Any], Any]) -> None:
    answers = [function({"stock_code": "20007", "model": name}) for name in ("lightgbm", "svr", "elastic_net")]
    assert [answer["model"] for answer in answers] == ["lightgbm", "svr", "elastic_net"]
    assert not any(answer["fallbacks"] for answer in answers)


def test_what_is_asked_wrongly_is_refused_by_the_image_as_everywhere(function: Callable[[Any], Any]) -> None:
    assert function({"warmup": True})["status"] == "warm"
    assert function(get("/v1/predict-price/NOPE"))["statusCode"] == 404
    assert function({"what": 1})["status"] == 400


def test_who_runs_in_the_image_can_read_its_code_and_change_none_of_it(storage: list[str], container: str) -> None:
    folders = "/ /var/task /var/task/inference /opt/release /var/lang /var/runtime"
    script = f"for d in {folders}; do test -w $d && echo $d; done; test -r /var/task/inference/handler.py && echo read"
    assert inside(storage, container, "sh", "-c", script) == "read"


def test_the_image_is_lean_compiled_and_runs_as_nobody(storage: list[str], container: str) -> None:
    assert inside(storage, container, "id", "-u") == "10001"
    assert int(inside(storage, container, "du", "-sm", "/var/task").split()[0]) <= MOST_MEGABYTES
    compiled = inside(storage, container, "sh", "-c", "ls /var/task/inference/__pycache__ /var/task/numpy/__pycache__")
    assert "handler.cpython-" in compiled and "version.cpython-" in compiled
    inspected = json.loads(run(*storage, "inspect", "localhost/pricewright"))["OCIv1"]["config"]
    assert inspected["Cmd"] == ["inference.handler.handler"] and inspected["User"] == "10001"


def test_no_binary_of_the_image_asks_for_more_than_the_base_has(storage: list[str], container: str) -> None:
    if shutil.which("readelf") is None:
        pytest.skip("what a binary asks for is read by readelf: apt-get install binutils")
    packages = Path(run(*storage, "mount", container)) / "var/task"
    binaries = [str(path) for path in packages.rglob("*.so*") if path.is_file()]
    read = run("readelf", "--wide", "--version-info", *binaries)
    minors = {int(minor) for minor in re.findall(r"\bGLIBC_2\.(\d+)", read)}
    assert minors and max(minors) <= GLIBC[base_python()]
    assert max(version(found) for found in re.findall(r"\bGLIBCXX_([\d.]+)", read)) <= LIBSTDCXX
    needed = set(re.findall(r"\(NEEDED\).*\[(.+)\]", run("readelf", "--wide", "--dynamic", *binaries)))
    assert needed <= {Path(path).name for path in binaries} | OF_THE_BASE


def version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))
