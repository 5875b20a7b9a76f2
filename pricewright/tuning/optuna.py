"""Search with Optuna: a tree-structured Parzen estimator that gives up poor trials early and survives a kill."""

import hashlib
import json
from dataclasses import astuple
from statistics import median
from typing import Any

from pricewright.tuning.optimiser import Proposal, Task
from pricewright.tuning.space import Choice, Dimension
from pricewright.tuning.trial import State, Trial

STARTUP_TRIALS = 4  # random trials before the estimator speaks and before the median may give a trial up


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
