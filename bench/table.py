"""Tables as Markdown, and targets with a plain word on whether they are reached."""

from collections.abc import Sequence
from dataclasses import dataclass


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
