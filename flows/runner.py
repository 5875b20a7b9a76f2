"""Where the tasks of a flow run: threads of this process, a Dask cluster on this machine, or one that is there already.

The flows take it from the environment when a run begins, so that a work pool or a deployment can set it:
PRICEWRIGHT_RUNNER (threads or dask), PRICEWRIGHT_WORKERS (how many at once; default: the cores of this machine) and
PRICEWRIGHT_DASK (address of a cluster's scheduler, which makes dask the runner). docs/scaling.md says when which pays.
"""

import os
from collections.abc import Mapping
from typing import Any

from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from pricewright.core.errors import ParameterError
from tasks.prefect_tasks import cores

RUNNER, WORKERS, DASK = "PRICEWRIGHT_RUNNER", "PRICEWRIGHT_WORKERS", "PRICEWRIGHT_DASK"
RUNNERS = ("threads", "dask")


def make_runner(name: str = "threads", workers: int = 0, address: str = "") -> TaskRunner[Any]:
    """A task runner for `flow.with_options(task_runner=make_runner("dask", workers=2))` or `@flow(task_runner=...)`.

    name: `threads`, or `dask`. workers: tasks at once, 0 for one per core. address: scheduler of an existing Dask
    cluster (`tcp://host:8786`), which brings its own workers; without it, `workers` processes are started here for as
    long as the flow runs. What is submitted or mapped goes to other processes: its arguments have to be small and
    picklable (paths, not frames), and a task on the runner must not wait for others on it: they share its workers.
    Raises ParameterError for another name, a negative number, or an address that no runner would use.
    """
    if name not in RUNNERS:
        raise ParameterError(f"runner is {name!r}: it must be one of {', '.join(RUNNERS)}.")
    if workers < 0:
        raise ParameterError(f"the runner has {workers} workers: 0 (one per core) or more are needed.")
    if name == "threads":
        if address:
            raise ParameterError(f"{address} is a Dask cluster, the runner is threads.", hint=f"set {RUNNER}=dask.")
        return ThreadPoolTaskRunner(max_workers=workers or cores())
    from prefect_dask import DaskTaskRunner  # 1 s, and threads do not need it

    own = {"n_workers": workers or cores(), "threads_per_worker": 1, "dashboard_address": "127.0.0.1:0"}
    made: TaskRunner[Any] = DaskTaskRunner(address=address) if address else DaskTaskRunner(cluster_kwargs=own)
    return made


def runner_of(environment: Mapping[str, str]) -> TaskRunner[Any]:
    """The runner that these variables ask for; threads where they say nothing."""
    address = environment.get(DASK, "")
    name = environment.get(RUNNER) or ("dask" if address else "threads")
    text = environment.get(WORKERS) or "0"
    if not text.isdecimal():
        raise ParameterError(f"{WORKERS} is {text!r}: it must be a whole number.")
    return make_runner(name, int(text), address)


class _OfEnvironment(ThreadPoolTaskRunner[Any]):
    """Stands for the runner that each run of a flow gets when it begins."""

    def duplicate(self) -> TaskRunner[Any]:  # type: ignore[override]
        """Prefect calls this at the start of a run, and uses what it gives."""
        return runner_of(os.environ)


OF_ENVIRONMENT: TaskRunner[Any] = _OfEnvironment()  # what the flows are decorated with
