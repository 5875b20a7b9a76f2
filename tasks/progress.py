"""How a run tells what it does while it works: to a console, or to nobody."""

from collections.abc import Callable
from contextvars import ContextVar
from typing import Protocol

from tasks.ledger import Entry

Tell = Callable[[float, str], None]  # share of the stage that is done (0 to 1), and a few words


class Progress(Protocol):
    """Somebody who watches a run."""

    def begin(self, stage: str) -> None:
        """A stage starts."""

    def advance(self, stage: str, share: float, words: str) -> None:
        """It has got this far."""

    def end(self, entry: Entry, line: str) -> None:
        """It came out so; `line` has its numbers, and may have notes below it."""


class Silent:
    """Nobody watches."""

    def begin(self, stage: str) -> None:
        """Says nothing."""

    def advance(self, stage: str, share: float, words: str) -> None:
        """Says nothing."""

    def end(self, entry: Entry, line: str) -> None:
        """Says nothing."""


NOBODY = Silent()
WATCHING: ContextVar[Progress] = ContextVar("watching", default=NOBODY)


def untold(share: float, words: str) -> None:
    """A `Tell` for work that nobody watches."""
