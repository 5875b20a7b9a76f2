"""Every optimiser finds the bottom of a bowl, and the grid stands in when one of them fails."""

import math
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from threadpoolctl import threadpool_limits

from pricewright.core.errors import ModelError, ParameterError
from pricewright.tuning import OPTIMISERS, Hyperparameters, Report, TaskMap, minimise, on_threads
from pricewright.tuning.optimisers import GridSearch, Optuna, Proposal, ScikitOptimize, Task
from pricewright.tuning.space import Trial


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """As in the tune stage: threads that wait for each other make the small sums of a search many times slower."""
    with threadpool_limits(1, user_api="blas"):
        yield


BOWL = {
    "learning_rate": {"low": 0.001, "high": 1.0, "log": True},
    "leaves": {"low": 2, "high": 60, "int": True},
    "shape": {"choices": ["round", "flat"]},
}


def bowl(h: Hyperparameters, report: Report) -> float:
    """0 at learning_rate 0.03, leaves 20, shape round."""
    rate = math.log10(float(h["learning_rate"]) / 0.03)
    return rate**2 + ((float(h["leaves"]) - 20) / 20) ** 2 + (0.5 if h["shape"] == "flat" else 0.0)


@pytest.mark.parametrize("method", OPTIMISERS)
def test_every_method_finds_the_bottom_of_a_bowl(method: str) -> None:
    best = minimise(bowl, BOWL, budget=30, seed=1, method=method)
    assert best.score < 0.2
    assert best.hyperparameters["shape"] == "round"
    assert bowl(best.hyperparameters, lambda step, value: None) == best.score == best.trials["score"].min()
    assert (best.method, best.fallbacks, best.trials.height) == (method, (), 30)


@pytest.mark.parametrize("method", ["optuna", "scikit-optimize"])
def test_an_optimiser_beats_the_grid_at_the_same_budget(method: str) -> None:
    grid, searched = (
        [minimise(bowl, BOWL, budget=20, seed=seed, method=m).score for seed in range(2)] for m in ("grid", method)
    )
    assert sum(searched) < sum(grid)


@pytest.mark.parametrize("method", OPTIMISERS)
def test_the_same_seed_searches_the_same_points(method: str) -> None:
    first, second = (minimise(bowl, BOWL, budget=9, seed=5, method=method).trials.drop("seconds") for _ in range(2))
    assert first.equals(second)
    assert not first.equals(minimise(bowl, BOWL, budget=9, seed=6, method=method).trials.drop("seconds"))


class BreaksAfter(GridSearch):
    """An optimiser that fails at its third proposal."""

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self.asked = 0

    def ask(self, count: int) -> list[Proposal]:
        self.asked += count
        if self.asked >= 3:
            raise ZeroDivisionError("surrogate is singular")
        return super().ask(count)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_failing_optimiser_leaves_the_rest_to_the_grid_and_says_so(workers: int) -> None:
    optimisers = {"fancy": BreaksAfter, "grid": GridSearch}
    best = minimise(bowl, BOWL, 20, seed=1, method="fancy", optimisers=optimisers, workers=workers)
    assert best.method == "grid"
    assert best.fallbacks == ("fancy failed (ZeroDivisionError: surrogate is singular), grid search instead",)
    assert best.trials["method"].to_list() == ["fancy"] * 2 + ["grid"] * 18


def test_an_optimiser_that_cannot_start_leaves_all_to_the_grid() -> None:
    def missing(task: Task) -> GridSearch:
        raise ModuleNotFoundError("No module named 'skopt'")

    best = minimise(bowl, BOWL, 12, seed=1, method="fancy", optimisers={"fancy": missing, "grid": GridSearch})
    assert best.method == "grid"
    assert "No module named 'skopt'" in best.fallbacks[0]
    assert best.trials.height == 12


@pytest.mark.parametrize("method", OPTIMISERS)
def test_an_objective_that_always_fails_is_no_fault_of_the_optimiser(method: str) -> None:
    def broken(h: Hyperparameters, report: Report) -> float:
        raise KeyError("units")

    with pytest.raises(ModelError, match=r"lightgbm: none of 6 trials finished, first error: KeyError: 'units'"):
        minimise(broken, BOWL, 6, seed=1, method=method, name="lightgbm")


@pytest.mark.parametrize("method", OPTIMISERS)
def test_trials_that_fail_are_listed_and_the_others_count(method: str) -> None:
    def fragile(h: Hyperparameters, report: Report) -> float:
        if h["shape"] == "flat":
            raise ArithmeticError("diverged")
        return math.nan if float(h["leaves"]) > 40 else bowl(h, report)

    best = minimise(fragile, BOWL, 25, seed=3, method=method)
    states = dict(best.trials["state"].value_counts().iter_rows())
    assert states["failed"] > 0
    assert states["finished"] > 0
    assert sum(states.values()) == 25
    errors = best.trials.filter(best.trials["state"] == "failed")["error"].unique().to_list()
    assert set(errors) <= {"ArithmeticError: diverged", "score is nan: it must be finite"}
    assert best.fallbacks == ()


@pytest.mark.parametrize("method", OPTIMISERS)
def test_trials_run_in_parallel_when_asked_to(method: str) -> None:
    together = threading.Barrier(2, timeout=10)  # passes only when two trials wait in it at once

    def meeting(h: Hyperparameters, report: Report) -> float:
        together.wait()
        return bowl(h, report)

    with on_threads(2) as task_map:
        best = minimise(meeting, BOWL, 4, seed=1, method=method, workers=2, task_map=task_map)
    assert best.trials["state"].to_list() == ["finished"] * 4


def backwards(function: Callable[[Any], Any], arguments: Iterable[Any], /) -> Iterable[Any]:
    """Makes the last trial of a batch first, as a cluster may."""
    return reversed([function(argument) for argument in reversed(list(arguments))])


def elsewhere(function: Callable[[Any], Any], arguments: Iterable[Any], /) -> Iterable[Any]:
    """Sends everything through pickle, as to another process."""
    return [pickle.loads(pickle.dumps(function(pickle.loads(pickle.dumps(one))))) for one in arguments]


@pytest.mark.parametrize("method", OPTIMISERS)
@pytest.mark.parametrize("task_map", [backwards, elsewhere])
def test_where_and_in_which_order_trials_are_made_changes_nothing(method: str, task_map: TaskMap) -> None:
    kept = [
        minimise(bowl, BOWL, 8, seed=3, method=method, workers=3, task_map=way).trials.drop("seconds")
        for way in (map, task_map)
    ]
    assert kept[0].equals(kept[1])


class Remembers(GridSearch):
    """An optimiser that writes down what it proposed and what it was told about it."""

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self.proposed: dict[int, Hyperparameters] = {}
        self.reported: list[tuple[int, Hyperparameters]] = []

    def ask(self, count: int) -> list[Proposal]:
        proposals = super().ask(count)
        self.proposed |= dict(proposals)
        return proposals

    def tell(self, ticket: int, trial: Trial) -> None:
        self.reported.append((ticket, trial.hyperparameters))


@pytest.mark.parametrize("task_map", [map, backwards, elsewhere])
def test_an_optimiser_hears_about_its_own_proposals_in_their_order(task_map: TaskMap) -> None:
    made: list[Remembers] = []

    def remembering(task: Task) -> Remembers:
        made.append(Remembers(task))
        return made[0]

    minimise(bowl, BOWL, 8, seed=1, method="it", workers=3, task_map=task_map, optimisers={"it": remembering})
    assert made[0].reported == list(made[0].proposed.items())


@pytest.mark.parametrize("method", OPTIMISERS)
def test_trials_proposed_together_are_not_the_same_one(method: str) -> None:
    trials = minimise(bowl, BOWL, 8, seed=3, method=method, workers=4).trials
    assert trials.select(*BOWL).n_unique() == 8


def test_a_trial_that_falls_behind_is_pruned_early() -> None:
    steps: list[int] = []

    def slow(h: Hyperparameters, report: Report) -> float:
        for step in range(10):
            steps.append(step)
            report(step, float(h["loss"]) + 1 / (step + 1))
        return float(h["loss"])

    best = minimise(slow, {"loss": {"low": 0.0, "high": 1.0}}, 20, seed=1, method="optuna")
    pruned = best.trials["state"].to_list().count("pruned")
    assert pruned >= 5
    assert len(steps) < 20 * 10 - 5 * pruned
    assert best.score == best.trials["score"].min() < 0.1


def test_a_search_goes_on_where_it_was_interrupted_and_repeats_nothing(tmp_path: Path) -> None:
    seen: list[tuple[object, ...]] = []

    def interrupted(h: Hyperparameters, report: Report) -> float:
        if len(seen) == 7:
            raise KeyboardInterrupt
        seen.append(tuple(h.values()))
        return bowl(h, report)

    def whole(h: Hyperparameters, report: Report) -> float:
        seen.append(tuple(h.values()))
        return bowl(h, report)

    storage = tmp_path / "trials.sqlite"
    with pytest.raises(KeyboardInterrupt):
        minimise(interrupted, BOWL, 12, seed=1, method="optuna", storage=storage)
    best = minimise(whole, BOWL, 12, seed=1, method="optuna", storage=storage)
    assert len(seen) == len(set(seen)) == best.trials.height == 12
    again = minimise(whole, BOWL, 12, seed=1, method="optuna", storage=storage)
    assert len(seen) == 12
    assert again.hyperparameters == best.hyperparameters


def test_another_space_or_seed_in_the_same_file_starts_afresh(tmp_path: Path) -> None:
    storage = tmp_path / "trials.sqlite"
    for seed, space in ((1, BOWL), (2, BOWL), (1, {**BOWL, "leaves": {"low": 2, "high": 50, "int": True}})):
        calls: list[int] = []

        def counted(h: Hyperparameters, report: Report, calls: list[int] = calls) -> float:
            calls.append(1)
            return bowl(h, report)

        minimise(counted, space, 3, seed=seed, method="optuna", storage=storage)
        assert len(calls) == 3


KILLED = """
import os, sys
from pathlib import Path
from pricewright.tuning import minimise

def objective(h, report):
    with open(sys.argv[2], "a") as log:
        print(h["x"], file=log)
    if len(Path(sys.argv[2]).read_text().split()) == 4 and sys.argv[3] == "die":
        os.kill(os.getpid(), 9)
    return h["x"] ** 2

best = minimise(objective, {"x": {"low": -1.0, "high": 1.0}}, 6, 1, "optuna", storage=Path(sys.argv[1]))
print(best.trials.height)
"""


def test_a_killed_search_tries_the_interrupted_trial_again_and_no_finished_one(tmp_path: Path) -> None:
    storage, log = tmp_path / "trials.sqlite", tmp_path / "log"
    run = [sys.executable, "-c", KILLED, str(storage), str(log)]
    assert subprocess.run([*run, "die"], check=False).returncode == -9
    finished = subprocess.run([*run, "live"], check=True, capture_output=True, text=True)
    assert finished.stdout.strip() == "6"
    tried = log.read_text().split()
    assert len(tried) == 7
    assert tried[3] == tried[4]
    assert len(set(tried)) == 6


def test_a_small_space_ends_the_grid_early_and_is_asked_no_point_twice() -> None:
    calls: list[object] = []

    def counted(h: Hyperparameters, report: Report) -> float:
        calls.append(h["depth"])
        return abs(float(h["depth"]) - 2)

    space = {"depth": {"low": 1, "high": 3, "int": True}}
    assert minimise(counted, space, 10, seed=1, method="grid").trials.height == 3
    for method in ("optuna", "scikit-optimize"):
        calls.clear()
        assert minimise(counted, space, 10, seed=1, method=method).hyperparameters == {"depth": 2}
        assert len(calls) <= 3


@pytest.mark.parametrize("optimiser", [Optuna, ScikitOptimize, GridSearch])
def test_proposals_are_plain_values_inside_the_space(optimiser: type[Optuna | ScikitOptimize | GridSearch]) -> None:
    best = minimise(bowl, BOWL, 10, seed=2, method="it", optimisers={"it": optimiser, "grid": GridSearch})
    assert {name: type(value) for name, value in best.hyperparameters.items()} == {
        "learning_rate": float,
        "leaves": int,
        "shape": str,
    }
    assert best.trials["learning_rate"].is_between(0.001, 1.0).all()
    assert best.trials["leaves"].is_between(2, 60).all()


def test_progress_counts_trials_and_shows_the_best_score() -> None:
    shown: list[tuple[int, int, float]] = []
    best = minimise(bowl, BOWL, 5, seed=1, method="grid", progress=lambda *line: shown.append(line))
    assert [(done, of) for done, of, _ in shown] == [(n, 5) for n in range(1, 6)]
    assert [score for _, _, score in shown] == sorted((s for _, _, s in shown), reverse=True)
    assert shown[-1][2] == best.score


def test_a_wrong_budget_or_method_is_named() -> None:
    with pytest.raises(ParameterError, match="budget of search is 0: it must be a whole number of at least 1"):
        minimise(bowl, BOWL, 0, seed=1, method="grid")
    with pytest.raises(ParameterError, match=r"'annealing': it must be one of optuna, scikit-optimize, grid"):
        minimise(bowl, BOWL, 5, seed=1, method="annealing")
