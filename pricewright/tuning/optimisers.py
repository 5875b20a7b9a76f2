"""The optimisers: Optuna (TPE with pruning), scikit-optimize (Gaussian process), and a seeded grid."""

import hashlib
import itertools
import json
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import astuple, dataclass
from pathlib import Path
from statistics import median
from typing import Any, Protocol

import numpy as np

from pricewright.tuning.space import Choice, Dimension, Hyperparameters, State, Trial, Value

Proposal = tuple[int, Hyperparameters]  # a ticket, and what to try
STARTUP_TRIALS = 4  # random trials before the estimator speaks and before the median may give a trial up
CANDIDATES = 2_000  # random points among which the acquisition function is minimised: 40 ms a trial


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


class GridSearch:
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


class Optuna:
    """Proposals in batches; with a storage file a search that was killed goes on with the trials missing.

    One process at a time may use a storage file: trials that it finds under way belong to a process that was
    killed, and are tried again first.
    """

    def __init__(self, task: Task) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._optuna = optuna
        self._distributions = {d.name: self._distribution(d) for d in task.dimensions}
        self._storage = self._open(task)
        self._study = optuna.create_study(
            storage=self._storage,
            study_name=_study_name(task),
            load_if_exists=True,
            pruner=optuna.pruners.NopPruner(),  # trials prune themselves, by `bars`
        )
        # A resumed search must not draw its first random points once more: the seed moves on with the trials.
        self._study.sampler = optuna.samplers.TPESampler(
            seed=task.seed + len(self._study.get_trials(deepcopy=False)),
            n_startup_trials=STARTUP_TRIALS,
            constant_liar=task.workers > 1,  # trials proposed together keep away from each other
        )
        self._restart_killed()
        if task.start and not self._study.get_trials(deepcopy=False):
            self._study.enqueue_trial(task.start)
        self._running: dict[int, Any] = {}

    def earlier(self) -> list[Trial]:
        """The trials in the storage file that finished, were pruned, or failed in the objective."""
        return [trial for frozen in self._study.get_trials(deepcopy=False) if (trial := self._trial(frozen))]

    def ask(self, count: int) -> list[Proposal]:
        """The proposals of the sampler; first of all the trials that a kill interrupted."""
        trials = [self._study.ask(self._distributions) for _ in range(count)]
        self._running |= {trial.number: trial for trial in trials}
        return [(trial.number, dict(trial.params)) for trial in trials]

    def bars(self) -> dict[int, float]:
        """The median of the finished trials at each step, as of Optuna's MedianPruner."""
        finished = self._study.get_trials(deepcopy=False, states=(self._optuna.trial.TrialState.COMPLETE,))
        if len(finished) < STARTUP_TRIALS:
            return {}
        steps = {step for trial in finished for step in trial.intermediate_values}
        values = {
            step: [t.intermediate_values[step] for t in finished if step in t.intermediate_values] for step in steps
        }
        return {step: median(values[step]) for step in sorted(steps)}

    def tell(self, ticket: int, trial: Trial) -> None:
        """Store how the trial ended."""
        running = self._running.pop(ticket)
        for step, value in trial.reports:
            running.report(value, step)
        running.set_user_attr("seconds", trial.seconds)
        running.set_user_attr("error", trial.error)
        states = self._optuna.trial.TrialState
        state = {"finished": states.COMPLETE, "pruned": states.PRUNED, "failed": states.FAIL}[trial.state]
        self._study.tell(running, trial.score, state=state)

    def close(self) -> None:
        """Close the storage file."""
        if self._storage is not None:
            self._storage.remove_session()
            self._storage.engine.dispose()

    def _open(self, task: Task) -> Any:
        if task.storage is None:
            return None
        task.storage.parent.mkdir(parents=True, exist_ok=True)
        return self._optuna.storages.RDBStorage(f"sqlite:///{task.storage}")

    def _restart_killed(self) -> None:
        states = self._optuna.trial.TrialState
        for frozen in self._study.get_trials(deepcopy=False, states=(states.RUNNING,)):
            self._study.tell(frozen.number, state=states.FAIL)
            if frozen.params.keys() == self._distributions.keys():
                self._study.enqueue_trial(frozen.params)

    def _distribution(self, dimension: Dimension) -> Any:
        kinds = self._optuna.distributions
        if isinstance(dimension, Choice):
            return kinds.CategoricalDistribution(dimension.values)
        if dimension.integer:
            return kinds.IntDistribution(int(dimension.low), int(dimension.high), log=dimension.log)
        return kinds.FloatDistribution(dimension.low, dimension.high, log=dimension.log)

    def _trial(self, frozen: Any) -> Trial | None:
        """None for a trial that a kill interrupted: it has no end of its own."""
        error = frozen.user_attrs.get("error")
        names: dict[str, State] = {"COMPLETE": "finished", "PRUNED": "pruned", "FAIL": "failed"}
        state = names.get(frozen.state.name)
        if state is None or error is None:
            return None
        score = frozen.value if state == "finished" else None
        return Trial(dict(frozen.params), state, score, frozen.user_attrs["seconds"], "optuna", error)


def _study_name(task: Task) -> str:
    """The same name only for the same space and seed, so that another search never inherits the trials."""
    content = json.dumps([type(d).__name__ + repr(astuple(d)) for d in task.dimensions] + [task.seed])
    return f"{task.name}-{hashlib.sha256(content.encode()).hexdigest()[:8]}"


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
        return [(first + i, self._read(point)) for i, point in enumerate(points)]

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
