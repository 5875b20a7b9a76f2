"""What the trials of a search are judged on, in a few words that can be sent to another process.

The panel stays where it is: every process that makes trials reads it once per search.
"""

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import torch
from threadpoolctl import threadpool_limits

from pricewright.core.errors import ModelError
from pricewright.core.models import NETWORK
from pricewright.partitions import read_partitions
from pricewright.tuning import backups, network
from pricewright.tuning.space import Hyperparameters
from pricewright.tuning.trial import Objective, Report


@dataclass(frozen=True)
class Problem:
    """The objective of a model's search. panel: folder of week partitions; params: the sections tune and network, JSON.

    Its scores are the same to the last bit in every process on processors of one kind: a trial computes on one thread.
    """

    model: str
    panel: str
    params: str
    features: tuple[str, ...]

    @classmethod
    def of(cls, model: str, panel: Path, params: Mapping[str, Any], features: Sequence[str]) -> "Problem":
        """The search of one model; `params` is all of params.yaml."""
        kept = {section: params[section] for section in ("tune", "network")}
        return cls(model, str(panel), json.dumps(kept, sort_keys=True), tuple(features))

    def __call__(self, hyperparameters: Hyperparameters, report: Report) -> float:
        """The score of a trial."""
        torch.set_num_threads(1)  # of this thread: OpenMP keeps the number per thread
        return OPENED.objective(self)(hyperparameters, report)

    def open(self) -> Objective:
        """Read the panel and prepare what all trials share."""
        params = json.loads(self.params)
        threadpool_limits(1, user_api="blas")
        rows = before_judged(read_partitions(Path(self.panel)), int(params["tune"]["judged_weeks"]))
        if self.model == NETWORK:
            return network.validation_error(rows, self.features, params)
        return backups.validation_error(self.model, rows, self.features, params["tune"])


class Opened:
    """The problems that this process has opened: trials in other threads wait for the first one to do it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._opening: dict[Problem, threading.Lock] = {}
        self._objectives: dict[Problem, Objective] = {}

    def objective(self, problem: Problem) -> Objective:
        """The objective of a problem; problems of other searches are let go."""
        with self._lock:
            for other in [known for known in self._opening if _search(known) != _search(problem)]:
                self._opening.pop(other)
                self._objectives.pop(other, None)
            opening = self._opening.setdefault(problem, threading.Lock())
        with opening:
            if problem not in self._objectives:
                self._objectives[problem] = problem.open()
            return self._objectives[problem]

    def close(self) -> None:
        """Let go of all of them."""
        with self._lock:
            self._opening.clear()
            self._objectives.clear()


OPENED = Opened()


def before_judged(panel: pl.DataFrame, judged_weeks: int) -> pl.DataFrame:
    """The rows that a search may see. Raises ModelError when there are none."""
    weeks = panel["week"].unique().sort()
    if len(weeks) <= judged_weeks:
        raise ModelError(
            f"the panel has {len(weeks)} weeks and tune.judged_weeks is {judged_weeks}: more weeks are needed.",
            hint="give more history.",
        )
    return panel.filter(pl.col("week") < weeks[-judged_weeks])


def _search(problem: Problem) -> tuple[str, str]:
    return problem.panel, problem.params
