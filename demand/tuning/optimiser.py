"""What every optimiser can do: propose hyperparameters, judge a trial under way, learn from a finished one."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from demand.tuning.space import Dimension, Hyperparameters
from demand.tuning.trial import Trial


@dataclass(frozen=True)
class Task:
    """What an optimiser is asked to search.

    storage: a SQLite file that outlives the process, or None; start: the hyperparameters to try first, or None.
    """

    dimensions: tuple[Dimension, ...]
    budget: int
    seed: int
    workers: int = 1
    storage: Path | None = None
    name: str = "search"
    start: Hyperparameters | None = None


class Optimiser(Protocol):
    """One search strategy. Calls come one at a time; trials may run in parallel where `parallel` is true."""

    parallel: bool

    def earlier(self) -> list[Trial]:
        """Trials of the same search that an earlier process brought to an end."""

    def ask(self) -> tuple[int, Hyperparameters] | None:
        """A ticket and the hyperparameters to try next; None when nothing is left to try."""

    def prune(self, ticket: int, step: int, value: float) -> bool:
        """Whether the trial, which has `value` after `step`, should be given up."""

    def tell(self, ticket: int, trial: Trial) -> None:
        """How the trial ended."""

    def close(self) -> None:
        """Let go of files and connections."""
