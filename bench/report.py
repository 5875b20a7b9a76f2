"""docs/benchmarks.md: one section per part, each with what it was measured on; a run replaces only its own parts."""

import re
from pathlib import Path

TITLE = "# Benchmarks\n\nWritten by `make bench-model`. Nothing here was tuned on what it is judged on.\n"
HEADINGS = ("1. Simulated markets", "2. Real weeks", "3. Ablations", "4. Growth")


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
