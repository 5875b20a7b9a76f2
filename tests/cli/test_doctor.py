"""What the doctor says of a folder: findings, never a traceback."""

from pathlib import Path

from cli.doctor import packages


def test_without_a_lock_file_it_says_where_it_looked(tmp_path: Path) -> None:
    found = packages(tmp_path)
    assert found.status == "warn"
    assert str(tmp_path) in found.words and found.hint


def test_a_package_that_is_not_the_locked_one_is_named(tmp_path: Path) -> None:
    (tmp_path / "requirements.lock").write_text("polars==0.0.1\n    # via pricewright\nno-such-package==1\n")
    found = packages(tmp_path)
    assert found.status == "warn"
    assert found.words.startswith("2 differ, the first: polars ") and "instead of 0.0.1" in found.words
