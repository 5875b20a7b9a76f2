"""docs/benchmarks.md: one section per part, each with what it was measured on; a run replaces only its own parts."""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

TITLE = """# Benchmarks

Written by `make bench-model`, `make bench-api` and `make bench-load`. Nothing here was tuned on what it is judged on.
"""
API, LOAD = "5. Price API", "6. Load on the price API"
HEADINGS = ("1. Simulated markets", "2. Real weeks", "3. Ablations", "4. Growth", API, LOAD)


def read_sections(path: Path) -> dict[str, str]:
    """The sections that an earlier run has written, by heading."""
    if not path.exists():
        return {}
    parts = re.split(r"^## (.+)\n", path.read_text(), flags=re.MULTILINE)
    return {
        heading: text.strip() for heading, text in zip(parts[1::2], parts[2::2], strict=True) if heading in HEADINGS
    }


def write_section(path: Path, heading: str, text: str) -> None:
    """Put one section in its place, keeping the others."""
    sections = read_sections(path) | {heading: text.strip()}
    body = [f"## {name}\n\n{sections[name]}\n" for name in HEADINGS if name in sections]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([TITLE, *body]))


@dataclass(frozen=True)
class Report:
    """Where the sections go (None: nowhere but the screen), and the machine that they were measured on."""

    path: Path | None
    machine: str

    def section(self, heading: str, parts: Sequence[str], began: float, *, show: bool = True) -> None:
        """Print and write one section; `began` is the value of time.perf_counter() when its measuring began."""
        measured = f"Measured on {date.today()} in {time.perf_counter() - began:.0f} s: {self.machine}."
        text = "\n\n".join([*parts, measured])
        if show:
            print(f"\n## {heading}\n\n{text}\n", flush=True)
        if self.path is not None:
            write_section(self.path, heading, text)
