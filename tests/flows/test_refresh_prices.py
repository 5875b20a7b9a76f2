"""The weekly job on a tiny market, as a user runs it: a process per run, its own Prefect server, a real ledger."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from blocks.channel import Channel
from blocks.lake import Lake
from tasks.releases import verify_release

ROOT = Path(__file__).parents[2]
TINY = {
    "market": {"skus": 24, "weeks": 60, "units_per_week": 8},
    "drift": {"sample_rows": 500},
    "fairness": {"explained_rows": 4, "background_rows": 4, "minimum_skus": 2},
    "tune": {"rows": 2000, "network": {"budget": 1, "trial": {"members": 1, "epochs": 1}}}
    | {name: {"budget": 1} for name in ("lightgbm", "svr", "elastic_net")},
    "train": {"network": {"members": 1, "epochs": 2}},
    "promote": {"override": "a shop too small to judge"},
}
COMMAND = "import sys; sys.argv[0] = 'pricewright'; from cli.main import main; main()"


def lay_over(defaults: dict, values: dict) -> None:
    for key, value in values.items():
        lay_over(defaults[key], value) if isinstance(value, dict) else defaults.update({key: value})


@dataclass
class Checkout:
    """A copy of the checkout with tiny parameters, and the command in it."""

    root: Path

    def pricewright(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self._run([sys.executable, "-c", COMMAND, *arguments])

    def repro(self) -> list[str]:
        """Stages that `dvc repro` ran."""
        done = self._run([sys.executable, "-m", "dvc", "repro"])
        assert done.returncode == 0, done.stdout + done.stderr
        return [line.split("'")[1] for line in done.stdout.splitlines() if line.startswith("Running stage")]

    def change(self, **sections: dict) -> None:
        path = self.root / "params.yaml"
        params = yaml.safe_load(path.read_text())
        lay_over(params, sections)
        path.write_text(yaml.safe_dump(params))

    def served(self, store: str = "lake") -> str:
        pointer = Channel(Lake(str(self.root / store))).read()
        return pointer.release if pointer else ""

    def _run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        shims = {"PATH": f"{self.root / 'bin'}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
        state = {"PREFECT_HOME": str(self.root / "prefect"), "DVC_SITE_CACHE_DIR": str(self.root / "dvc-site")}
        unset = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT", "PRICEWRIGHT"))}
        environment = unset | shims | state
        return subprocess.run(command, cwd=self.root, env=environment, capture_output=True, text=True, timeout=400)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    root = tmp_path_factory.mktemp("checkout")
    for name in ("demand", "tasks", "inference"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("dvc.yaml", "params.yaml", ".dvcignore", ".dvc/config"):
        (root / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, root / name)
    shim = root / "bin" / "pricewright"
    shim.parent.mkdir()
    shim.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{COMMAND}" "$@"\n')
    shim.chmod(0o755)
    made = Checkout(root)
    made.change(**TINY)
    return made


@pytest.fixture(scope="module")
def first(checkout: Checkout) -> subprocess.CompletedProcess[str]:
    """The first run, which all others follow."""
    done = checkout.pricewright("run")
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def test_a_run_without_data_ends_with_prices_that_the_api_gave(
    first: subprocess.CompletedProcess[str], checkout: Checkout
) -> None:
    release = checkout.served()
    assert f"promoted: release {release}" in first.stdout
    assert "answered by" in first.stdout and " network" in first.stdout
    assert first.stderr == ""
    assert len(first.stdout.splitlines()) < 40, "nothing noisy"
    manifest = verify_release(Lake(str(checkout.root / "lake")), release)
    assert "unknown" not in manifest.lineage.values()
    lines = {line.split()[0]: line for line in first.stdout.splitlines() if line.startswith("  ")}
    assert all(
        " s  " in lines[stage] for stage in ("ingest", "feature", "drift", "tune", "train", "fairness", "promote")
    )


def test_every_row_read_is_somewhere(first: subprocess.CompletedProcess[str], checkout: Checkout) -> None:
    counts = json.loads((checkout.root / "work/metrics/ingest.json").read_text())
    assert counts["accepted"] + counts["quarantined"] + counts["duplicates"] == counts["rows"]
    lake = Lake(str(checkout.root / "lake"))
    assert lake.list("raw") and lake.list("quarantine") and lake.list("panel") and lake.list("lineage")


def test_the_run_is_a_prefect_flow_with_a_task_per_stage(
    first: subprocess.CompletedProcess[str], checkout: Checkout
) -> None:
    (database,) = checkout.root.glob("**/prefect.db")
    with sqlite3.connect(database) as connection:
        flows = connection.execute("select name, state_type from flow_run").fetchall()
        tasks = connection.execute("select name, state_type from task_run").fetchall()
    week = json.loads((checkout.root / "work/metrics/feature.json").read_text())["last_week"]
    assert flows == [(f"refresh-prices {week}", "COMPLETED")]
    assert len(tasks) == 7 and {state for _, state in tasks} == {"COMPLETED"}


def test_a_second_run_skips_every_stage_and_dvc_agrees(
    first: subprocess.CompletedProcess[str], checkout: Checkout
) -> None:
    again = checkout.pricewright("run")
    assert again.returncode == 0, again.stdout + again.stderr
    assert again.stdout.count(" skipped ") == 7
    assert "nothing changed" in again.stdout
    assert checkout.repro() == []


def test_a_number_of_train_runs_train_and_what_hangs_on_it(
    first: subprocess.CompletedProcess[str], checkout: Checkout
) -> None:
    checkout.change(price={"bins": 20})
    assert checkout.repro() == ["train", "fairness", "promote"]
    again = checkout.pricewright("run")
    assert again.stdout.count(" skipped ") == 7, again.stdout
    released = checkout.pricewright("releases")
    assert f"{checkout.served()}" in released.stdout and len(released.stdout.splitlines()) == 3


def test_a_gate_that_blocks_ends_the_run_with_1_and_leaves_the_channel(
    first: subprocess.CompletedProcess[str], checkout: Checkout
) -> None:
    before = checkout.served()
    measures = yaml.safe_load((ROOT / "params.yaml").read_text())["drift"]["thresholds"]
    always = json.dumps({name: {"warn": 0, "block": 0} for name in measures})
    blocked = checkout.pricewright("run", "--param", f"drift.thresholds={always}", "--param", 'promote.override=""')
    assert blocked.returncode == 1, blocked.stdout + blocked.stderr
    assert "drift blocks" in blocked.stderr and "promote.override" in blocked.stderr
    assert "Traceback" not in blocked.stderr
    assert checkout.served() == before


def test_another_store_gets_everything_and_no_stage_before_promote_runs(
    first: subprocess.CompletedProcess[str], checkout: Checkout
) -> None:
    other = checkout.pricewright("run", "--store", "other")
    assert other.returncode == 0, other.stdout + other.stderr
    assert checkout.served("other") == checkout.served()
    here, there = (Lake(str(checkout.root / store)) for store in ("lake", "other"))
    assert there.list("panel") == here.list("panel")
    assert there.list("raw") == here.list("raw")
    ran = [line.split()[0] for line in other.stdout.splitlines() if line[:3] == "  p" and " s  " in line]
    assert ran == ["promote"]


def test_a_file_that_cannot_be_used_ends_with_2_and_touches_no_lake(
    first: subprocess.CompletedProcess[str], checkout: Checkout
) -> None:
    bad = checkout.root / "bad.csv"
    bad.write_text("a,b\n1,2\n")
    done = checkout.pricewright("run", "--source", "bad.csv", "--store", "none")
    assert done.returncode == 2
    assert "has no column for invoice" in done.stderr and "hint:" in done.stderr and "Traceback" not in done.stderr
    assert not (checkout.root / "none").exists()
