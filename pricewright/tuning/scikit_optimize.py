"""Search with scikit-optimize: a Gaussian process of the score, for objectives that are costly and few."""

import warnings
from typing import Any

from pricewright.tuning.optimiser import Proposal, Task
from pricewright.tuning.space import Choice, Dimension, Hyperparameters, Value
from pricewright.tuning.trial import Trial

CANDIDATES = 2_000  # random points among which the acquisition function is minimised: 40 ms a trial


class ScikitOptimize:
    """Of a batch, each proposal takes those before it for as good as the best so far. Nothing is pruned or kept."""

    def __init__(self, task: Task) -> None:
        from skopt import Optimizer

        self._dimensions = task.dimensions
        self._optimizer = Optimizer(
            [_skopt_dimension(dimension) for dimension in task.dimensions],
            n_initial_points=max(3, min(2 * len(task.dimensions), task.budget // 3)),
            initial_point_generator="lhs",
            acq_func="EI",
            acq_optimizer="sampling",
            acq_optimizer_kwargs={"n_points": CANDIDATES},
            random_state=task.seed,
        )
        self._start = task.start
        self._asked: list[list[Any]] = []
        self._failed: list[list[Any]] = []  # points without a score, while no other point has one either

    def earlier(self) -> list[Trial]:
        """None: nothing is kept between processes."""
        return []

    def ask(self, count: int) -> list[Proposal]:
        """The start first, then spread points (a Latin hypercube), then those with the highest expected improvement."""
        points = []
        if self._start is not None and not self._asked:
            points = [[_position(dimension, self._start[dimension.name]) for dimension in self._dimensions]]
        if self._failed:  # nothing is learnt from failures alone, and the next initial point would be the same one
            points += self._optimizer.space.rvs(count - len(points), random_state=self._optimizer.rng)
        elif len(points) < count:
            points += self._propose(count - len(points))
        first = len(self._asked)
        self._asked += points
        return [(first + place, self._read(point)) for place, point in enumerate(points)]

    def bars(self) -> dict[int, float]:
        """None: nothing is pruned."""
        return {}

    def tell(self, ticket: int, trial: Trial) -> None:
        """A failure counts as the worst score so far, so that its neighbourhood is left."""
        point = self._asked[ticket]
        scores = self._optimizer.yi
        if trial.score is None and not scores:
            self._failed.append(point)
            return
        score = max(scores) if trial.score is None else trial.score
        self._optimizer.tell([*self._failed, point], [score] * (len(self._failed) + 1))
        self._failed = []

    def close(self) -> None:
        """Nothing to let go of."""

    def _propose(self, count: int) -> list[list[Any]]:
        with warnings.catch_warnings():
            # In a small space of whole numbers proposals repeat; the search answers those from memory.
            warnings.filterwarnings("ignore", "The objective has been evaluated at point", UserWarning)
            return [self._optimizer.ask()] if count == 1 else self._optimizer.ask(count, strategy="cl_min")

    def _read(self, point: list[Any]) -> Hyperparameters:
        return {d.name: _value(d, value) for d, value in zip(self._dimensions, point, strict=True)}


def _skopt_dimension(dimension: Dimension) -> Any:
    from skopt.space import Categorical, Integer, Real

    if isinstance(dimension, Choice):
        return Categorical(list(range(len(dimension.values))))
    prior = "log-uniform" if dimension.log else "uniform"
    if dimension.integer:
        return Integer(int(dimension.low), int(dimension.high), prior=prior)
    return Real(dimension.low, dimension.high, prior=prior)


def _position(dimension: Dimension, value: Value) -> Any:
    """The inverse of `_value`."""
    return dimension.values.index(value) if isinstance(dimension, Choice) else value


def _value(dimension: Dimension, value: Any) -> Value:
    """The plain Python value of what skopt proposes in numpy's types."""
    if isinstance(dimension, Choice):
        return dimension.values[int(value)]
    return int(value) if dimension.integer else float(value)
