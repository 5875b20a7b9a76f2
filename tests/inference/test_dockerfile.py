"""The real Dockerfile is built, and its function, started under Lambda's runtime, answers over HTTP."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.images import ISOLATED, MOUNTED, NO_REGISTRY, copy_context, get, run, started
from tests.inference.lambda_base import misfits_in
from tests.synthetic_shop import Shop

pytestmark = pytest.mark.platform

MOST_MEGABYTES = 200  # of installed packages


@pytest.fixture(scope="module")
def container(storage: list[str], base: str, steady: Shop, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A container of the image, built from what a checkout holds and a release."""
    context = copy_context(tmp_path_factory.mktemp("context"))
    (release,) = (steady.folder / "releases").iterdir()
    shutil.copytree(release, context / "lake" / "releases" / release.name)
    arguments = ["--build-arg", f"BASE={base}", "--build-arg", f"RELEASE=lake/releases/{release.name}"]
    build = [*MOUNTED, *arguments, "-t", "localhost/pricewright", str(context)]
    run(*storage, "bud", *ISOLATED, *build, may_lack=NO_REGISTRY)
    return run(*storage, "from", "localhost/pricewright")


def inside(storage: list[str], container: str, *command: str) -> str:
    return run(*storage, "run", *ISOLATED, container, "--", *command)


@pytest.fixture(scope="module")
def function(storage: list[str], container: str, free_port: Callable[[], int]) -> Iterator[Callable[[Any], Any]]:
    """Invokes the function in the image."""
    with started(storage, "localhost/pricewright", container, free_port, {}) as invoke:
        yield invoke


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


def test_no_binary_of_the_built_image_asks_for_more_than_the_base_has(storage: list[str], container: str) -> None:
    packages = Path(run(*storage, "mount", container)) / "var/task"
    assert misfits_in(packages) == []
