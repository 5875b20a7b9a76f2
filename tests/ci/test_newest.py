"""The weekly look at newer versions lifts every pin, and nothing else."""

import importlib.util
import re
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def newest() -> ModuleType:
    specification = importlib.util.spec_from_file_location("newest", ROOT / ".ci" / "newest.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def requirements(text: str) -> list[str]:
    project = tomllib.loads(text)["project"]
    return project["dependencies"] + [each for extra in project["optional-dependencies"].values() for each in extra]


def test_no_dependency_keeps_a_bound_and_none_is_lost(newest: ModuleType) -> None:
    text = (ROOT / "pyproject.toml").read_text()
    lifted = newest.lift_pins(text)
    bare = [re.split(r"[<>=!~]", each)[0] for each in requirements(text)]
    assert requirements(lifted) == bare and any(
        each != name for each, name in zip(requirements(text), bare, strict=True)
    )
    before, after = tomllib.loads(text), tomllib.loads(lifted)
    for content in (before, after):
        content["project"].pop("dependencies")
        content["project"].pop("optional-dependencies")
    assert before == after


def test_the_image_follows_the_lock(newest: ModuleType) -> None:
    made = newest.follow("# words\nnumpy==1.0\nredis==2\n", "numpy==9.9\n    # via\nredis==8.1\nother==1\n")
    assert made == "# words\nnumpy==9.9\nredis==8.1\n"
