"""The comparison of releases sees a changed byte and a changed number, and no new date."""

import json
from pathlib import Path

import pytest

from tests.same_release import main


def lake(root: Path, **changes: object) -> Path:
    release = root / "releases" / "2025-W01-0123abcd"
    release.mkdir(parents=True)
    (release / "plan.json").write_bytes(b"1")
    (release / "manifest.json").write_text(
        json.dumps({"created": root.name, "metrics": {"wape": 0.4, "all": [1]}} | changes)
    )
    return root


@pytest.fixture
def before(tmp_path: Path) -> Path:
    return lake(tmp_path / "monday", lineage={"code": "a"})


def test_another_date_and_another_code_are_no_difference(
    before: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    after = lake(tmp_path / "tuesday", lineage={"code": "b"})
    assert main([str(before), str(after)]) == 0
    assert "2 files are the same" in capsys.readouterr().out


def test_a_number_a_byte_and_a_file_are_each_named(
    before: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    after = lake(tmp_path / "tuesday", metrics={"wape": 0.5, "all": [1]})
    (after / "releases/2025-W01-0123abcd/plan.json").write_bytes(b"2")
    (after / "releases/2025-W01-0123abcd/more").touch()
    assert main([str(before), str(after)]) == 1
    printed = capsys.readouterr().out
    assert "manifest.json: metrics.wape" in printed and "metrics.all" not in printed
    assert "plan.json: its bytes" in printed and "only after: 2025-W01-0123abcd/more" in printed


def test_an_empty_lake_proves_nothing(tmp_path: Path) -> None:
    assert main([str(tmp_path / "none"), str(tmp_path / "neither")]) == 2
