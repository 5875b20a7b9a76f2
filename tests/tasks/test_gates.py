"""What a gate writes down for people to open holds no formula of somebody else."""

import csv
from pathlib import Path

import pytest

from demand.errors import GateBlocked
from demand.verdict import Check, Verdict
from tasks.gates import _write_checks, pass_gates


def test_no_segment_reaches_a_gates_table_as_a_formula(tmp_path: Path) -> None:
    names = ["=cmd|' /C calc'!A0", "+1", "@SUM(A1)", "\t=1", "bias France"]
    checks = tuple(Check(name, 0.1, 0.2, 0.3) for name in names)
    _write_checks(tmp_path / "checks.csv", Verdict("fairness", checks))
    with (tmp_path / "checks.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["check"] for row in rows] == [*(f"'{name}" for name in names[:-1]), names[-1]]


FROZEN = Check("constant_columns", 1.0, 1.0, 1.0, "columns", detail="registered_share_26")
FAIR = Verdict("fairness", (Check("people.bias_gap", 0.01, 0.15, 0.4),)).as_dict()


def test_the_message_of_a_blocked_run_names_the_columns() -> None:
    drift = Verdict("drift", (FROZEN,)).as_dict()
    with pytest.raises(GateBlocked, match=r"constant_columns is 1 \(registered_share_26\), the limit is 1"):
        pass_gates({"drift": drift, "fairness": FAIR}, "")


def test_a_verdict_of_before_checks_had_details_is_still_read() -> None:
    check = {"name": "constant_columns", "value": 1.0, "block": 1.0, "status": "block"}
    old = {"gate": "drift", "status": "block", "hint": "", "checks": [check]}
    with pytest.raises(GateBlocked, match="constant_columns is 1, the limit is 1"):
        pass_gates({"drift": old, "fairness": FAIR}, "")


def test_a_hundred_columns_fill_the_table_and_not_the_message(tmp_path: Path) -> None:
    names = ", ".join(f"log_units_mean_{number}" for number in range(100))
    verdict = Verdict("drift", (Check("drifted_columns", 0.9, 0.35, 0.7, detail=names),))
    _write_checks(tmp_path / "checks.csv", verdict)
    with (tmp_path / "checks.csv").open(newline="") as file:
        assert next(csv.DictReader(file))["detail"] == names
    with pytest.raises(GateBlocked, match=r"\(log_units_mean_0, .*log_units_mean_5, \.\.\.\), the limit") as blocked:
        pass_gates({"drift": verdict.as_dict(), "fairness": FAIR}, "")
    assert len(str(blocked.value)) < 600
