"""A release on disk, read where nothing but the image's packages is installed, gives the prices of its price list."""

import json
import os
import re
import statistics
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from packaging.utils import parse_wheel_filename

from tests.inference.lambda_base import GLIBC, base_python, base_tags, misfits_in
from tests.inference.lean import fetch_wheels, find_python, install
from tests.synthetic_shop import Shop

ROOT = Path(__file__).parents[2]
COLD_SECONDS = 1.0  # ten times what a quiet machine takes: other tests may run beside this one
ASK = """
import json, sys, time
started = time.perf_counter()
from inference.handler import handler
first = handler({"stock_code": sys.argv[1]})
seconds = time.perf_counter() - started
rest = [handler({"stock_code": code}) for code in sys.argv[1:]]
loaded = sorted({name.split(".")[0] for name in sys.modules})
print("answer", json.dumps({"seconds": seconds, "answers": rest, "loaded": loaded}))
"""


def lines(name: str) -> dict[str, str]:
    pins = (ROOT / name).read_text().splitlines()
    return dict(re.match(r"([a-z0-9-]+)==([^\s;]+)", pin).groups() for pin in pins if re.match(r"[a-z0-9-]+==", pin))


def locked() -> list[dict[str, Any]]:
    """The packages of the image's lock, each with its wheels, as PEP 751 has them."""
    return list(tomllib.loads((ROOT / "inference" / "pylock.toml").read_text())["packages"])


def misfits(python: str) -> list[str]:
    """The packages of the lock that have no wheel for Lambda's base with this Python."""
    tags = base_tags(python)
    names = {each["name"]: [wheel["url"].rpartition("/")[2] for wheel in each["wheels"]] for each in locked()}
    return [name for name, wheels in names.items() if not any(parse_wheel_filename(file)[3] & tags for file in wheels)]


def test_the_image_runs_the_versions_that_were_locked_and_tested() -> None:
    image, tested = {each["name"]: each["version"] for each in locked()}, lines("requirements.lock")
    assert {name: tested[name] for name in image} == image
    assert {name: image[name] for name in lines("inference/requirements.txt")} == lines("inference/requirements.txt")


def test_every_package_of_the_image_has_a_wheel_for_its_base() -> None:
    assert misfits(base_python()) == []
    assert misfits("3.11") == ["numpy", "onnxruntime"], "Amazon Linux 2 has glibc 2.26, which is too old"


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The very wheels that the image gets, whatever system this machine has."""
    folder, python = tmp_path_factory.mktemp("packages"), base_python()
    hashes = {each["name"]: [wheel["hashes"]["sha256"] for wheel in each["wheels"]] for each in locked()}
    lines = [f"{each['name']}=={each['version']} {_given(hashes[each['name']])}" for each in locked()]
    (folder / "requirements").write_text("\n".join(lines))
    fetch_wheels(folder / "requirements", folder, python, f"x86_64-manylinux_2_{GLIBC[python]}")
    return folder


def _given(hashes: list[str]) -> str:
    return " ".join(f"--hash=sha256:{each}" for each in hashes)


def test_no_binary_of_a_wheel_asks_for_more_than_the_base_has(packages: Path) -> None:
    assert misfits_in(packages) == []


@pytest.mark.parametrize(
    ("has", "asks"),
    [(b"GLIBC_2.14", b"GLIBC_2.36"), (b"GLIBC_2.2.5", b"GLIBC_ABIXX"), (b"libm.so.6", b"libq.so.6")],
)
def test_a_binary_that_asks_for_more_is_named_whatever_its_wheel_is_tagged(
    packages: Path, tmp_path: Path, has: bytes, asks: bytes
) -> None:
    (module,) = packages.glob("numpy/_core/_multiarray_umath*.so")
    content = module.read_bytes()
    assert content.count(has + b"\0") >= 1
    (tmp_path / "module.so").write_bytes(content.replace(has + b"\0", asks + b"\0"))
    (found,) = misfits_in(tmp_path)
    assert found.startswith("module.so: ") and asks.decode() in found


def test_what_is_installed_into_the_image_is_known_by_hash() -> None:
    wheels = [wheel for each in locked() for wheel in each["wheels"]]
    assert wheels and all(re.fullmatch(r"[0-9a-f]{64}", wheel["hashes"]["sha256"]) for wheel in wheels)
    for name in ("Dockerfile", "deployments/platform.Dockerfile", "Makefile", ".github/workflows/newest.yml"):
        uv = [line for line in (ROOT / name).read_text().splitlines() if "pip install" in line and "uv.txt" in line]
        assert len(uv) == 1 and "--require-hashes" in uv[0], name


@pytest.fixture(scope="session")
def lean_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The image's Python with its packages and no others."""
    lock = ["-r", str(ROOT / "inference" / "pylock.toml")]
    return install(find_python(base_python()), tmp_path_factory.mktemp("image") / "venv", lock)


def ask(python: Path, shop: Shop, *codes: str) -> dict:
    environment = {"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"], "PRICEWRIGHT_STORE": str(shop.folder)}
    environment |= {"OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run([str(python), "-c", ASK, *codes], env=environment, capture_output=True, text=True, check=True)
    (text,) = [line for line in done.stdout.splitlines() if line.startswith("answer ")]
    return json.loads(text.removeprefix("answer "))


def test_the_image_gives_the_prices_that_training_wrote_down(lean_python: Path, steady: Shop) -> None:
    (path,) = (steady.folder / "releases").glob("*/price_list.parquet")
    listed = pl.read_parquet(path).to_dicts()
    found = ask(lean_python, steady, *[row["stock_code"] for row in listed])
    for answer, row in zip(found["answers"], listed, strict=True):
        assert (answer["model"], answer["fallbacks"]) == ("network", [])
        for column in ("optimal_price", "expected_units", "sales_uplift", "elasticity", "uplift_probability"):
            assert answer[column] == pytest.approx(row[column], rel=1e-6), (row["stock_code"], column)
    assert not {"torch", "polars", "pandas", "sklearn", "boto3", "prefect", "flask", "redis"} & set(found["loaded"])


def test_a_cold_start_answers_in_a_moment(lean_python: Path, steady: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    ask(lean_python, steady, "20007")  # compiles the modules
    seconds = sorted(ask(lean_python, steady, "20007")["seconds"] for _ in range(5))
    text = (
        f"import to first answer: median {1000 * statistics.median(seconds):.0f} ms, least {1000 * seconds[0]:.0f} ms"
    )
    with capsys.disabled():
        sys.stdout.write(f"\n{text}\n")
    assert seconds[0] < COLD_SECONDS, text
