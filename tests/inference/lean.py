"""A Python of its own with some packages and no others."""

import os
import subprocess
import sysconfig
from pathlib import Path

import pytest


def find_python(version: str) -> Path:
    """An interpreter of this version, such as 3.13; the test is skipped where none is and none can be fetched."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))  # uv sees its shims, which need not work
    for path in sorted(pyenv.glob(f"versions/{version}.*/bin/python{version}")):
        return path
    _uv("python", "install", "--quiet", version)
    return Path(_uv("python", "find", version)).resolve()


def install(python: Path, folder: Path, *packages: list[str]) -> Path:
    """The interpreter of a new environment in this folder; the test is skipped where it cannot be made."""
    _uv("venv", "--quiet", "--python", str(python), str(folder))
    made = folder / "bin" / "python"
    for own in packages:
        _uv(*INSTALL, "--python", str(made), *own)
    return made


def install_into(python: Path, folder: Path, *packages: list[str]) -> None:
    """Packages in a folder, for this Python's PYTHONPATH; the test is skipped where they cannot be had."""
    for own in packages:
        _uv(*INSTALL, "--python", str(python), "--target", str(folder), *own)


def fetch_wheels(requirements: Path, folder: Path, python: str, platform: str) -> None:
    """Unpack the wheels that another Python on another system would get; that one has none is a failure."""
    other = ("--python-version", python, "--python-platform", platform, "--only-binary", ":all:", "--no-deps")
    _uv("pip", "install", "--quiet", "--target", str(folder), *other, "--require-hashes", "-r", str(requirements))


OFFLINE = ("error sending request", "dns error", "timed out", "network connectivity is disabled")
INSTALL = ("pip", "install", "--quiet", "--compile-bytecode")


def _uv(*arguments: str) -> str:
    uv = Path(sysconfig.get_path("scripts")) / "uv"
    if not uv.exists():
        pytest.skip("uv is not installed beside this Python: make setup installs it")
    environment = dict(os.environ)
    if os.environ.get("PIP_FIND_LINKS"):
        environment["UV_FIND_LINKS"] = os.environ["PIP_FIND_LINKS"]
    elif "UV_FIND_LINKS" in environment and not environment["UV_FIND_LINKS"]:
        del environment["UV_FIND_LINKS"]
    done = subprocess.run([str(uv), *arguments], env=environment, capture_output=True, text=True, check=False)
    if done.returncode and (arguments[0] == "python" or any(lack in done.stderr for lack in OFFLINE)):
        pytest.skip(f"{' '.join(arguments[-2:])} cannot be installed here: {done.stderr.strip()[-300:]}")
    assert not done.returncode, f"{' '.join(arguments)}: {done.stderr.strip()[-900:]}"
    return done.stdout.strip()
