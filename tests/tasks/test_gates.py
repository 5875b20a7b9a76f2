"""A gate that blocks stops promotion; what it writes down for people to open holds no formula of somebody else."""

import csv
import shutil
from pathlib import Path

import pytest

from pricewright.core.errors import GateBlocked
from pricewright.verdict import Check, Verdict
from tasks import promote
from tasks.gates import GATES, _write_checks, gates_of, pass_gates, warnings, write_verdict
from tasks.stage import report_nothing
from tasks.workspace import Workspace, configure

ROOT = Path(__file__).parents[2]


def test_no_segment_reaches_a_gates_table_as_a_formula(tmp_path: Path) -> None:
    names = ["=cmd|' /C calc'!A0", "+1", "@SUM(A1)", "\t=1", "bias France"]
    checks = tuple(Check(name, 0.1, 0.2, 0.3) for name in names)
    _write_checks(tmp_path / "checks.csv", Verdict("fairness", checks))
    with (tmp_path / "checks.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["check"] for row in rows] == [*(f"'{name}" for name in names[:-1]), names[-1]]


@pytest.fixture
def judged(tmp_path: Path) -> Workspace:
    """A workspace in which every gate has said ok, and nothing else is."""
    shutil.copy(ROOT / "params.yaml", tmp_path / "params.yaml")
    at = configure(tmp_path, store=str(tmp_path / "lake"))
    for gate in GATES:
        write_verdict(at, Verdict(gate, (Check("measured", 0.1, 0.5, 1.0),)))
    return at


def test_a_past_that_denies_the_promises_stops_promotion(judged: Workspace) -> None:
    slope = Check("calibration_slope", 0.1, 1.0, 0.25, larger_is_worse=False)
    write_verdict(judged, Verdict("proof", (slope,), "look at work/proof/price_changes.png."))
    with pytest.raises(GateBlocked, match=r"proof blocks: calibration_slope is 0\.1, the limit is 0\.25") as caught:
        promote.work(judged, report_nothing)
    assert "price_changes.png" in caught.value.hint


def test_a_past_that_warns_stops_nothing(judged: Workspace) -> None:
    slope = Check("calibration_slope", 0.8, 1.0, 0.25, larger_is_worse=False)
    write_verdict(judged, Verdict("proof", (slope,)))
    with pytest.raises(FileNotFoundError, match="models"):  # it went on to bundling what is not there
        promote.work(judged, report_nothing)


def test_each_gate_is_that_of_one_stage() -> None:
    assert gates_of("drift") == ["drift"]
    assert gates_of("train") == ["proof"]
    assert gates_of("promote") == []


FROZEN = Check("constant_columns", 1.0, 1.0, 1.0, "columns", detail="registered_share_26")
FAIR = Verdict("fairness", (Check("people.bias_gap", 0.01, 0.15, 0.4),)).as_dict()


def test_the_message_of_a_blocked_run_names_the_columns() -> None:
    drift = Verdict("drift", (FROZEN,)).as_dict()
    with pytest.raises(GateBlocked, match=r"constant_columns is 1 \(registered_share_26\), the limit is 1"):
        pass_gates({"drift": drift, "proof": FAIR, "fairness": FAIR}, "")


def test_a_verdict_of_before_checks_had_details_is_still_read() -> None:
    check = {"name": "constant_columns", "value": 1.0, "block": 1.0, "status": "block"}
    old = {"gate": "drift", "status": "block", "hint": "", "checks": [check]}
    with pytest.raises(GateBlocked, match="constant_columns is 1, the limit is 1"):
        pass_gates({"drift": old, "proof": FAIR, "fairness": FAIR}, "")


def test_a_hundred_columns_fill_the_table_and_not_the_message(tmp_path: Path) -> None:
    names = ", ".join(f"log_units_mean_{number}" for number in range(100))
    verdict = Verdict("drift", (Check("drifted_columns", 0.9, 0.35, 0.7, detail=names),))
    _write_checks(tmp_path / "checks.csv", verdict)
    with (tmp_path / "checks.csv").open(newline="") as file:
        assert next(csv.DictReader(file))["detail"] == names
    with pytest.raises(GateBlocked, match=r"\(log_units_mean_0, .*log_units_mean_5, \.\.\.\), the limit") as blocked:
        pass_gates({"drift": verdict.as_dict(), "proof": FAIR, "fairness": FAIR}, "")
    assert len(str(blocked.value)) < 600


def test_a_verdict_tells_every_check_that_is_not_ok() -> None:
    slope = Check("calibration_slope", 0.8, 1.0, 0.25, "of the promised change came true", larger_is_worse=False)
    checks = (Check("fine", 0.1, 0.2, 0.3), slope, Check("unknown", float("nan"), 1.0, 2.0, hint="look for it."))
    assert warnings(Verdict("proof", checks).as_dict()) == [
        "proof warns: calibration_slope is 0.8 of the promised change came true; it warns at 1. "
        "see work/proof/price_changes.png.",
        "proof blocks: unknown is nan; it blocks at 2. look for it.",
    ]
