"""Choices out of bytes: what a coverage-guided fuzzer changes a byte of is the same input but for one choice."""

from collections.abc import Sequence
from typing import Any, TypeVar

Choice = TypeVar("Choice")
LONGEST = 40
NASTY = (
    "\x00", "\ud800", "\u202e", "%00", "../", "'", '"', "=1+1", "<script>", "\r\n", "²", "٣", "1e400", "NaN", "-0",
    "9" * 5000, "%", "%zz", "é", "\U0001f600", "null", "\t", "[" * 3000, "$default", "/",
)  # fmt: skip


class Bytes:
    """Reads choices from the front; where the bytes end, every choice is the first one."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._offset = 0

    def byte(self) -> int:
        """The next byte."""
        self._offset += 1
        return self._data[self._offset - 1] if self._offset <= len(self._data) else 0

    def pick(self, choices: Sequence[Choice]) -> Choice:
        """One of up to 256."""
        return choices[self.byte() % len(choices)]

    def rest(self) -> bytes:
        """All that is left."""
        left = self._data[self._offset :]
        self._offset = len(self._data)
        return left

    def text(self) -> str:
        """Some letters, or something that has been trouble elsewhere."""
        size = self.byte()
        if size >= 128:
            return self.pick(NASTY) + (self.text() if size >= 240 else "")
        taken = bytes(self.byte() for _ in range(size % LONGEST))
        return taken.decode("utf-8", errors="surrogateescape" if size % 2 else "replace")

    def number(self) -> Any:
        """A number, of any size and kind."""
        extreme = (0, 1, -1, 2, 0.5, 10**400, -(10**30), 1e308, -0.0, float("nan"), float("inf"), 2**63, True)
        return self.pick(extreme) if self.byte() % 2 else int.from_bytes(bytes(self.byte() for _ in range(3)), "big")

    def value(self, depth: int = 0) -> Any:
        """What JSON can hold."""
        kind = self.byte() % (8 if depth < 3 else 5)
        if kind < 2:
            return self.text()
        if kind < 4:
            return self.number()
        if kind == 4:
            return self.pick((None, True, False, "", [], {}))
        if kind == 5:
            return [self.value(depth + 1) for _ in range(self.byte() % 4)]
        return {self.text(): self.value(depth + 1) for _ in range(self.byte() % 4)}
