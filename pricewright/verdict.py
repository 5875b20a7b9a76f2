"""What a gate says: ok, warn or block, with the checks that led there."""

import textwrap
from dataclasses import asdict, dataclass
from typing import Any, Literal

Status = Literal["ok", "warn", "block"]
SEVERITY: dict[Status, int] = {"ok": 0, "warn": 1, "block": 2}
DETAIL_WIDTH = 120  # characters of a message for its detail: half a dozen columns by name


@dataclass(frozen=True)
class Check:
    """One measured value held against its two thresholds; `unit` says what the value counts, `detail` names it."""

    name: str
    value: float
    warn: float
    block: float
    unit: str = ""
    larger_is_worse: bool = True
    detail: str = ""  # such as the names of the columns that were counted, the worst first
    hint: str = ""  # what to do where it is not ok

    @property
    def status(self) -> Status:
        """`block` at or beyond the block threshold, `warn` at or beyond the warn one; NaN always blocks."""
        sign = 1.0 if self.larger_is_worse else -1.0
        value = sign * self.value
        if value != value or value >= sign * self.block:
            return "block"
        return "warn" if value >= sign * self.warn else "ok"

    def __str__(self) -> str:
        side = "at least" if self.larger_is_worse else "at most"
        return (
            f"{self.name}: {self.value:.4g} {self.unit}".rstrip()
            + (f": {shortened(self.detail)}" if self.detail else "")
            + f" ({self.status}; warns when {side} {self.warn:g}, blocks when {side} {self.block:g})"
        )


@dataclass(frozen=True)
class Verdict:
    """A gate's checks; its status is that of its worst check."""

    gate: str
    checks: tuple[Check, ...]
    hint: str = ""

    @property
    def status(self) -> Status:
        """The worst status among the checks; a gate without a check has checked nothing and blocks."""
        return max((check.status for check in self.checks), key=SEVERITY.__getitem__, default="block")

    @property
    def worst(self) -> tuple[Check, ...]:
        """The checks that made the verdict what it is."""
        return tuple(check for check in self.checks if check.status == self.status)

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON: gate, status, hint, checks with their status."""
        checks = [asdict(check) | {"status": check.status} for check in self.checks]
        return {"gate": self.gate, "status": self.status, "hint": self.hint, "checks": checks}


def shortened(detail: str) -> str:
    """A detail as a message has room for it, cut between words after DETAIL_WIDTH characters."""
    return textwrap.shorten(detail, DETAIL_WIDTH, placeholder=" ...")
