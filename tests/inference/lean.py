"""A Python of its own with some packages and no others."""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest


def install(folder: Path, *packages: list[str]) -> Path:
    """The interpreter of a new environment in this folder; the test is skipped where it cannot be made."""
    _uv("venv", "--quiet", "--python", sys.executable, str(folder))
    python = folder / "bin" / "python"
    for own in packages:
        _uv(*INSTALL, "--python", str(python), *own)
    return python


def install_into(folder: Path, *packages: list[str]) -> None:
    """Packages in a folder, for PYTHONPATH; the test is skipped where they cannot be had."""
    for own in packages:
        _uv(*INSTALL, "--python", sys.executable, "--target", str(folder), *own)


INSTALL = ("pip", "install", "--quiet", "--compile-bytecode")


def _uv(*arguments: str) -> None:
    uv = Path(sysconfig.get_path("scripts")) / "uv"
    if not uv.exists():
        pytest.skip("uv is not installed beside this Python: make setup installs it")
    environment = dict(os.environ)
    if os.environ.get("PIP_FIND_LINKS"):
        environment["UV_FIND_LINKS"] = os.environ["PIP_FIND_LINKS"]
    elif "UV_FIND_LINKS" in environment and not environment["UV_FIND_LINKS"]:
        del environment["UV_FIND_LINKS"]
    done = subprocess.run([str(uv), *arguments], env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"{' '.join(arguments[-2:])} cannot be installed here: {done.stderr.strip()[-300:]}")
