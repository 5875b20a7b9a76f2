"""Grid search: the fallback that needs no optimiser, a coarse grid in seeded order."""

import itertools
from collections.abc import Iterator

import numpy as np

from pricewright.tuning.optimiser import Proposal, Task
from pricewright.tuning.space import Dimension, Hyperparameters
from pricewright.tuning.trial import Trial


class Grid:
    """The finest grid of cell midpoints that the budget covers, or a seeded sample of the coarsest one."""

    def __init__(self, task: Task) -> None:
        self._points: Iterator[Proposal] = iter(enumerate(coarse_grid(task)))

    def earlier(self) -> list[Trial]:
        """None: a grid keeps no memory."""
        return []

    def ask(self, count: int) -> list[Proposal]:
        """The next points of the grid; none at its end."""
        return list(itertools.islice(self._points, count))

    def bars(self) -> dict[int, float]:
        """None: the points know nothing of each other."""
        return {}

    def tell(self, ticket: int, trial: Trial) -> None:
        """Nothing to learn."""

    def close(self) -> None:
        """Nothing to let go of."""


def coarse_grid(task: Task) -> list[Hyperparameters]:
    """At most `task.budget` points in seeded order.

    Each range is cut into equal cells (equal on its scale) and represented by their midpoints. The number of
    cells grows, the same for all ranges, until there are at least as many points as the budget allows.
    """
    limit = max((int(d.size) for d in task.dimensions if d.size != float("inf")), default=1)
    levels = 2
    while _points(task.dimensions, levels) < task.budget and levels <= max(limit, task.budget):
        levels += 1
    axes = [_axis(dimension, levels) for dimension in task.dimensions]
    names = [dimension.name for dimension in task.dimensions]
    points = [dict(zip(names, values, strict=True)) for values in itertools.product(*axes)]
    order = np.random.default_rng(task.seed).permutation(len(points))
    first = [task.start] if task.start else []
    return (first + [points[i] for i in order if points[i] != task.start])[: task.budget]


def _points(dimensions: tuple[Dimension, ...], levels: int) -> int:
    count = 1
    for dimension in dimensions:
        count *= len(_axis(dimension, levels))
    return count


def _axis(dimension: Dimension, levels: int) -> list[float | int | str | bool]:
    cells = int(min(levels, dimension.size))
    return list(dict.fromkeys(dimension.at((cell + 0.5) / cells) for cell in range(cells)))
