"""Pages that a command and a person write together: the figures stand between two marks, the words around them stay."""

import os
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

END = "<!-- to here -->"
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


def begin(command: str) -> str:
    """The mark from which on the command writes."""
    return f"<!-- {command} writes from here -->"


def write_between(page: Path, command: str, parts: Sequence[str]) -> None:
    """Put the parts between the marks of the command; a page that is not there is made. SystemExit without marks."""
    if not page.exists():
        page.write_text(f"# {page.stem.capitalize()}\n\n{begin(command)}\n\n{END}\n")
    before, _, rest = page.read_text().partition(begin(command))
    _, mark, after = rest.partition(END)
    if not mark:
        raise SystemExit(f"{page} lacks the marks {begin(command)} and {END}: nothing tells where the figures go.")
    page.write_text("\n\n".join([before + begin(command), *(part.strip() for part in parts), END + after]))


@dataclass(frozen=True)
class Target:
    """What was asked for, what came out, and whether that will do."""

    what: str
    asked: str
    value: str
    reached: bool


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; the first column is left-aligned, the others right."""
    widths = [max(len(row[i]) for row in (header, *rows)) for i in range(len(header))]

    def line(cells: Sequence[str]) -> str:
        padded = [c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(cells, widths, strict=True))]
        return f"| {' | '.join(padded)} |"

    rule = [("-" * w if i == 0 else "-" * (w - 1) + ":") for i, w in enumerate(widths)]
    return "\n".join([line(header), line(rule), *map(line, rows)])


def target_table(targets: Sequence[Target]) -> str:
    """One row per target."""
    rows = [[t.what, t.asked, t.value, "reached" if t.reached else "NOT reached"] for t in targets]
    return markdown(["target", "asked", "measured", "verdict"], rows)


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
        shown = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "outside git"
    return shown.stdout.strip()
