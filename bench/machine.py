"""What the numbers were measured on: processor, memory, versions, code."""

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = (
    "numpy",
    "polars",
    "torch",
    "lightgbm",
    "scikit-learn",
    "onnxruntime",
    "optuna",
    "scikit-optimize",
    "econml",
    "pyblp",
)


def describe(*, code: bool = True) -> str:
    """One line; without the code where figures of several days stand together."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    versions = ", ".join(f"{name} {found}" for name in PACKAGES if (found := _version(name)))
    commit = f"code {_commit()}; " if code else ""
    return (
        f"{len(os.sched_getaffinity(0))} cores of {_processor()}, {memory:.0f} GB; {commit}"
        f"Python {platform.python_version()}, {versions}"
    )


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _commit() -> str:
    root = Path(__file__).parents[1]
    command = ["git", "-C", str(root), "rev-parse", "--short", "HEAD"]
    try:
        shown = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - words of our own
    except (OSError, subprocess.CalledProcessError):
        return "outside git"
    return shown.stdout.strip()
