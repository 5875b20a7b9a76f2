"""What every optimiser can do: propose hyperparameters, say what falls behind, learn from a finished trial."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pricewright.tuning.space import Dimension, Hyperparameters
from pricewright.tuning.trial import Trial

Proposal = tuple[int, Hyperparameters]  # a ticket, and what to try


@dataclass(frozen=True)
class Task:
    """What an optimiser is asked to search.

    workers: proposals made at once; storage: a SQLite file that outlives the process, or None; start: the
    hyperparameters to try first, or None.
    """

    dimensions: tuple[Dimension, ...]
    budget: int
    seed: int
    workers: int = 1
    storage: Path | None = None
    name: str = "search"
    start: Hyperparameters | None = None


class Optimiser(Protocol):
    """One search strategy; it is asked and told by one thread of one process, wherever the trials are made."""

    def earlier(self) -> list[Trial]:
        """Trials of the same search that an earlier process brought to an end."""

    def ask(self, count: int) -> list[Proposal]:
        """At most `count` proposals to be tried at once; none when nothing is left to try."""

    def bars(self) -> Mapping[int, float]:
        """By step, the value above which the trials proposed last are given up; empty when nothing is known yet."""

    def tell(self, ticket: int, trial: Trial) -> None:
        """How a trial ended; called in the order of the proposals."""

    def close(self) -> None:
        """Let go of files and connections."""
