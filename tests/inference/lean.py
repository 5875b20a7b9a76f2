"""A Python of its own with some packages and no others."""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest


def install(folder: Path, *packages: list[str]) -> Path:
    """The interpreter of a new environment in this folder; the test is skipped where it cannot be made."""
    uv = Path(sysconfig.get_path("scripts")) / "uv"
    if not uv.exists():
        pytest.skip("uv is not installed beside this Python: make setup installs it")
    environment = dict(os.environ)
    if os.environ.get("PIP_FIND_LINKS"):
        environment["UV_FIND_LINKS"] = os.environ["PIP_FIND_LINKS"]
    elif "UV_FIND_LINKS" in environment and not environment["UV_FIND_LINKS"]:
        del environment["UV_FIND_LINKS"]
    python = folder / "bin" / "python"
    commands = [["venv", "--quiet", "--python", sys.executable, str(folder)]]
    commands += [["pip", "install", "--quiet", "--compile-bytecode", "--python", str(python), *own] for own in packages]
    for command in commands:
        done = subprocess.run([str(uv), *command], env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"{' '.join(command[-2:])} cannot be installed here: {done.stderr.strip()[-300:]}")
    return python
