"""The ledger agrees with `dvc repro`, and never claims what is not there."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pricewright.core.errors import LedgerError
from tasks.ledger import Ledger

PIPELINE = """
vars: [run.yaml]
stages:
  double:
    cmd: python code.py double
    deps: ["${source}", code.py]
    params: [double.factor, run.yaml: [overrides.double]]
    outs: [work/double.txt]
  sum:
    cmd: python code.py sum
    deps: [work/double.txt, code.py]
    params: [sum.plus, run.yaml: [overrides.sum]]
    outs: [work/sum]
"""
CODE = """
import pathlib, sys, yaml
params = yaml.safe_load(open("params.yaml"))
if sys.argv[1] == "double":
    number = int(open("in.txt").read()) * params["double"]["factor"]
    pathlib.Path("work").mkdir(exist_ok=True)
    pathlib.Path("work/double.txt").write_text(str(number))
else:
    pathlib.Path("work/sum").mkdir(parents=True)
    pathlib.Path("work/sum/sum.txt").write_text(str(int(open("work/double.txt").read()) + params["sum"]["plus"]))
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace of two toy stages: sum depends on double."""
    files = {
        ".dvc/config": "[core]\n    no_scm = true\n    analytics = false\n",
        "dvc.yaml": PIPELINE,
        "code.py": CODE,
        "params.yaml": "double: {factor: 2}\nsum: {plus: 1}\n",
        "run.yaml": "source: in.txt\noverrides: {double: {}, sum: {}}\n",
        "in.txt": "20",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    return tmp_path


def work(stage: str) -> Callable[[], object]:
    """Do what the stage's command does."""
    return lambda: subprocess.run([sys.executable, "code.py", stage], check=True)


def run(shop: Path) -> dict[str, str]:
    """Run all stages; how each came out."""
    ledger = Ledger(shop)
    return {stage: ledger.run(stage, work(stage)).how for stage in ledger.stages}


def repro(shop: Path) -> list[str]:
    """Stages that `dvc repro` ran."""
    done = subprocess.run(["dvc", "repro"], cwd=shop, check=True, capture_output=True, text=True)
    return [line.split("'")[1] for line in done.stdout.splitlines() if line.startswith("Running stage")]


def change(path: Path, old: str, new: str) -> None:
    path.write_text(path.read_text().replace(old, new))


def test_a_stage_runs_once_and_is_skipped_until_something_changes(shop: Path) -> None:
    assert run(shop) == {"double": "ran", "sum": "ran"}
    assert (shop / "work/sum/sum.txt").read_text() == "41"
    assert run(shop) == {"double": "skipped", "sum": "skipped"}


def test_a_changed_parameter_runs_its_stage_and_what_hangs_on_it_only(shop: Path) -> None:
    run(shop)
    change(shop / "params.yaml", "plus: 1", "plus: 2")
    assert run(shop) == {"double": "skipped", "sum": "ran"}
    change(shop / "run.yaml", "double: {}", "double: {factor: 3}")
    assert run(shop) == {"double": "ran", "sum": "skipped"}, "the same output stops the chain"


def test_it_says_why_a_stage_is_stale(shop: Path) -> None:
    assert [str(reason) for reason in Ledger(shop).why_stale("double")] == ["never ran"]
    run(shop)
    change(shop / "params.yaml", "factor: 2", "factor: 3")
    change(shop / "in.txt", "20", "21")
    (shop / "work/double.txt").unlink()
    reasons = [str(reason) for reason in Ledger(shop).why_stale("double")]
    assert reasons[0].startswith("in.txt: 98f13708 -> 3c59dc04")
    assert reasons[1:] == ["double.factor: 2 -> 3", "work/double.txt is deleted"]


def test_what_the_same_inputs_made_before_is_restored(shop: Path) -> None:
    run(shop)
    change(shop / "params.yaml", "factor: 2", "factor: 3")
    run(shop)
    change(shop / "params.yaml", "factor: 3", "factor: 2")
    assert run(shop) == {"double": "restored", "sum": "restored"}
    assert (shop / "work/sum/sum.txt").read_text() == "41"


def test_a_stage_that_acts_on_the_world_is_not_restored(shop: Path) -> None:
    run(shop)
    (shop / "work/double.txt").unlink()
    assert Ledger(shop).run("double", work("double"), restore=False).how == "ran"


def test_dvc_repro_agrees_both_ways(shop: Path) -> None:
    run(shop)
    assert repro(shop) == []
    change(shop / "params.yaml", "plus: 1", "plus: 5")
    assert repro(shop) == ["sum"]
    assert run(shop) == {"double": "skipped", "sum": "skipped"}


def test_a_stage_that_fails_stays_stale_and_leaves_no_output(shop: Path) -> None:
    run(shop)
    change(shop / "params.yaml", "factor: 2", "factor: 3")
    with pytest.raises(ZeroDivisionError):
        Ledger(shop).run("double", lambda: 1 / 0)
    assert not (shop / "work/double.txt").exists()
    assert Ledger(shop).why_stale("double")
    change(shop / "params.yaml", "factor: 3", "factor: 2")
    assert run(shop) == {"double": "restored", "sum": "skipped"}


def test_a_killed_stage_leaves_no_claim(shop: Path) -> None:
    run(shop)
    change(shop / "params.yaml", "factor: 2", "factor: 3")
    half = "open('work/double.txt', 'w').write('4'); import os; os.kill(os.getpid(), 9)"
    imports = "from pathlib import Path; from tasks.ledger import Ledger"
    script = f"{imports}; Ledger(Path()).run('double', lambda: exec({half!r}))"
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    killed = subprocess.run([sys.executable, "-c", script], cwd=shop, env=environment)
    assert killed.returncode == -signal.SIGKILL
    assert (shop / "work/double.txt").read_text() == "4", "half of 40 is what the kill left"
    assert run(shop) == {"double": "ran", "sum": "ran"}
    assert (shop / "work/sum/sum.txt").read_text() == "61"


def test_a_torn_lock_is_set_aside_and_its_stages_restored(shop: Path) -> None:
    run(shop)
    lock = shop / "dvc.lock"
    lock.write_text(lock.read_text()[:150])
    assert run(shop) == {"double": "restored", "sum": "restored"}


def test_an_input_that_moves_while_a_stage_runs_is_an_error(shop: Path) -> None:
    def meddle() -> None:
        work("double")()
        (shop / "in.txt").write_text("7")

    with pytest.raises(LedgerError, match=r"in\.txt changed while stage double ran"):
        Ledger(shop).run("double", meddle)
    assert Ledger(shop).why_stale("double")


def test_code_that_changed_after_the_process_began_is_not_recorded(shop: Path) -> None:
    ledger = Ledger(shop)
    change(shop / "code.py", "import pathlib", "# newer\nimport pathlib")
    with pytest.raises(LedgerError, match=r"code\.py changed"):
        ledger.run("double", work("double"))


def test_a_promised_output_that_was_not_written_is_an_error(shop: Path) -> None:
    with pytest.raises(LedgerError, match=r"double\.txt"):
        Ledger(shop).run("double", lambda: None)


def test_a_missing_input_is_named(shop: Path) -> None:
    with pytest.raises(LedgerError, match=r"stage sum needs work/double\.txt"):
        Ledger(shop).run("sum", work("sum"))
