"""The real Dockerfile is built, and the function in it answers from the release that was baked in."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from tests.synthetic_shop import Shop

ROOT = Path(__file__).parents[2]
BUILDAH = ["buildah", "--storage-driver", "vfs"]
CERTIFICATES = "/etc/ssl/certs"
MOST_MEGABYTES = 200  # of installed packages
DEBIAN = ["--variant=minbase", "--include=python3,python3-pip,ca-certificates", "bookworm"]
ASK = """
import json, sys
from inference.handler import handler
print("answer", json.dumps(handler({"stock_code": sys.argv[1]})))
"""


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert not done.returncode, f"{' '.join(command[:6])}...: {done.stdout[-1500:]} {done.stderr[-1500:]}"
    return done.stdout.strip()


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """buildah with images of its own, which end with the tests."""
    if os.environ.get("PRICEWRIGHT_IMAGE_TESTS") != "1":
        pytest.skip("building an image takes minutes: PRICEWRIGHT_IMAGE_TESTS=1 asks for it")
    missing = [name for name in ("buildah", "debootstrap") if shutil.which(name) is None]
    if missing or os.geteuid():
        pytest.skip(f"root, buildah and debootstrap are needed, not here: {', '.join(missing) or 'root'}")
    folder = tmp_path_factory.mktemp("images")
    yield [*BUILDAH, "--root", str(folder / "root"), "--runroot", str(folder / "run")]
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def base(storage: list[str], tmp_path_factory: pytest.TempPathFactory) -> str:
    """A Debian with Python in the place of Lambda's base image, which cannot be had everywhere."""
    folder = tmp_path_factory.mktemp("base")
    run("debootstrap", *DEBIAN, str(folder))
    container = run(*storage, "from", "scratch")
    run(*storage, "add", "--quiet", container, str(folder), "/")
    run(*storage, "commit", "--quiet", container, "localhost/base")
    run(*storage, "rm", container)
    shutil.rmtree(folder)
    return "localhost/base"


@pytest.fixture(scope="module")
def container(storage: list[str], base: str, steady: Shop, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A container of the image, built from what a checkout holds and a release."""
    context = tmp_path_factory.mktemp("context")
    for name in ("demand", "inference"):
        shutil.copytree(ROOT / name, context / name)
    for name in ("Dockerfile", ".dockerignore"):
        shutil.copy(ROOT / name, context)
    (release,) = (steady.folder / "releases").iterdir()
    shutil.copytree(release, context / "lake" / "releases" / release.name)
    arguments = ["--build-arg", f"BASE={base}", "--build-arg", f"RELEASE=lake/releases/{release.name}"]
    mounts = ["-v", f"{CERTIFICATES}:{CERTIFICATES}:ro"]
    run(*storage, "bud", "--isolation", "chroot", *mounts, *arguments, "-t", "localhost/pricewright", str(context))
    return run(*storage, "from", "localhost/pricewright")


def inside(storage: list[str], container: str, *command: str) -> str:
    return run(*storage, "run", "--isolation", "chroot", container, "--", *command)


def test_the_image_answers_from_its_own_release_as_the_price_list_says(
    storage: list[str], container: str, steady: Shop
) -> None:
    (path,) = (steady.folder / "releases").glob("*/price_list.parquet")
    row = pl.read_parquet(path).row(3, named=True)
    lines = inside(storage, container, "python3", "-c", ASK, row["stock_code"]).splitlines()
    answer = json.loads(next(line for line in lines if line.startswith("answer ")).removeprefix("answer "))
    assert (answer["model"], answer["release_source"]) == ("network", "image")
    assert answer["optimal_price"] == pytest.approx(row["optimal_price"], rel=1e-6)


def test_the_image_is_lean_compiled_and_runs_as_nobody(storage: list[str], container: str) -> None:
    assert inside(storage, container, "id", "-u") == "10001"
    assert int(inside(storage, container, "du", "-sm", "/var/task").split()[0]) <= MOST_MEGABYTES
    compiled = inside(storage, container, "sh", "-c", "ls /var/task/inference/__pycache__ /var/task/numpy/__pycache__")
    assert "handler.cpython-" in compiled and "version.cpython-" in compiled
    inspected = json.loads(run(*storage, "inspect", "localhost/pricewright"))["OCIv1"]["config"]
    assert inspected["Cmd"] == ["inference.handler.handler"] and inspected["User"] == "10001"
