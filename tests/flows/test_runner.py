"""A flow's runner is a parameter: threads, a Dask cluster here, or one at an address."""

import pytest
from prefect.task_runners import ThreadPoolTaskRunner
from prefect_dask import DaskTaskRunner

from flows.runner import OF_ENVIRONMENT, make_runner, runner_of
from pricewright.core.errors import ParameterError
from tasks.prefect_tasks import cores


def test_threads_are_the_default_one_per_core() -> None:
    runner = runner_of({})
    assert isinstance(runner, ThreadPoolTaskRunner)
    assert runner._max_workers == cores()
    assert make_runner(workers=3)._max_workers == 3


def test_a_cluster_of_this_machine_has_as_many_processes_as_asked_for() -> None:
    runner = runner_of({"PRICEWRIGHT_RUNNER": "dask", "PRICEWRIGHT_WORKERS": "3"})
    assert isinstance(runner, DaskTaskRunner)
    assert runner.cluster_kwargs["n_workers"] == 3


def test_an_address_means_the_cluster_that_is_there() -> None:
    runner = runner_of({"PRICEWRIGHT_DASK": "tcp://10.0.0.5:8786"})
    assert isinstance(runner, DaskTaskRunner)
    assert (runner.address, runner.cluster_kwargs) == ("tcp://10.0.0.5:8786", {})


def test_a_run_takes_what_the_environment_says_when_it_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(OF_ENVIRONMENT.duplicate(), ThreadPoolTaskRunner)
    monkeypatch.setenv("PRICEWRIGHT_RUNNER", "dask")
    assert isinstance(OF_ENVIRONMENT.duplicate(), DaskTaskRunner)


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"PRICEWRIGHT_RUNNER": "ray"}, "runner is 'ray': it must be one of threads, dask"),
        ({"PRICEWRIGHT_WORKERS": "two"}, "PRICEWRIGHT_WORKERS is 'two': it must be a whole number"),
        ({"PRICEWRIGHT_WORKERS": "-2"}, "it must be a whole number"),
        ({"PRICEWRIGHT_RUNNER": "threads", "PRICEWRIGHT_DASK": "tcp://x:1"}, "the runner is threads"),
    ],
)
def test_what_no_runner_could_do_is_named(environment: dict[str, str], words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        runner_of(environment)
