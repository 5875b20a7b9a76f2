"""What a gate writes down for people to open holds no formula of somebody else."""

import csv
from pathlib import Path

from demand.verdict import Check, Verdict
from tasks.gates import _write_checks


def test_no_segment_reaches_a_gates_table_as_a_formula(tmp_path: Path) -> None:
    names = ["=cmd|' /C calc'!A0", "+1", "@SUM(A1)", "\t=1", "bias France"]
    checks = tuple(Check(name, 0.1, 0.2, 0.3) for name in names)
    _write_checks(tmp_path / "checks.csv", Verdict("fairness", checks))
    with (tmp_path / "checks.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["check"] for row in rows] == [*(f"'{name}" for name in names[:-1]), names[-1]]
