"""Tuning spread over a Dask cluster of two processes finds, to the byte, what it finds on threads."""

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from pricewright.backups import REGISTRY
from tasks.stage import report_nothing
from tasks.stages import STAGES
from tasks.workspace import Workspace, configure

pytestmark = pytest.mark.platform

ROOT = Path(__file__).parents[2]
SMALL = {
    "market": {"kind": "", "skus": 24, "weeks": 60, "units_per_week": 8},
    "tune": {"rows": 2000, "network": {"budget": 3, "trial": {"members": 1, "epochs": 2}}}
    | {name: {"budget": 2} for name in REGISTRY},
}
FLOWS = """
from pathlib import Path

from prefect import flow

from flows.runner import make_runner
from tasks import tune
from pricewright.backups import REGISTRY
from tasks.stage import report_nothing
from tasks.prefect_tasks import on_runner, using_task_map
from tasks.workspace import Workspace

ROOT = Path(__file__).parent


@flow(name="tune-only")
def tune_only() -> None:
    with using_task_map(on_runner):
        tune.work(Workspace(ROOT), report_nothing)


def main() -> None:
    from flows.embedded import prefect_server

    with prefect_server(ROOT / "prefect"):
        for runner in ("threads", "dask"):
            tune_only.with_options(task_runner=make_runner(runner, workers=2))()
            (ROOT / "work").rename(ROOT / runner)
            (ROOT / ".pricewright" / "trials.db").unlink()
            (ROOT / "work").mkdir()
            (ROOT / runner / "panel").rename(ROOT / "work" / "panel")
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace whose trials were made on threads, and once more on a cluster of two processes."""
    root = tmp_path_factory.mktemp("shop")
    (root / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    at: Workspace = configure(root, overrides=SMALL)
    for stage in ("ingest", "feature"):
        STAGES[stage].work(at, report_nothing)
    (root / "flows_of_the_test.py").write_text(FLOWS)
    own = {"PYTHONPATH": f"{ROOT}:{root}", "PREFECT_HOME": str(root / "prefect"), "OMP_WAIT_POLICY": "passive"}
    unset = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT", "PRICEWRIGHT"))}
    command = [sys.executable, "-c", "import flows_of_the_test; flows_of_the_test.main()"]
    done = subprocess.run(command, cwd=root, env=unset | own, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return root


def test_a_cluster_of_two_processes_finds_the_hyperparameters_that_threads_find(shop: Path) -> None:
    threads, dask = ((shop / runner / "hyperparameters.json").read_bytes() for runner in ("threads", "dask"))
    assert threads == dask
    assert set(json.loads(threads)) == {"network", *REGISTRY}


def test_every_trial_comes_out_the_same_to_the_last_digit(shop: Path) -> None:
    threads, dask = (pl.read_csv(shop / runner / "plots/trials.csv").drop("seconds") for runner in ("threads", "dask"))
    assert threads.equals(dask)
    assert threads["state"].to_list() == ["finished"] * 9


def test_every_trial_is_a_task_of_its_name(shop: Path) -> None:
    with sqlite3.connect(shop / "prefect" / "prefect.db") as connection:
        names = [name for (name,) in connection.execute("select name from task_run where state_type = 'COMPLETED'")]
    assert len(names) == 18
    assert {"lightgbm 1", "svr 0", "elastic_net 1"} < set(names)
    assert sum(name.startswith("network-") for name in names) == 6
