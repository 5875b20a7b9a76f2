"""A disk with no byte left is one line with a hint, whoever met it; anything else keeps its trace."""

import resource
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from cli.full_disk import full_disk
from tests.checkout import COMMAND, make_checkout


def test_a_command_that_can_write_nothing_says_that_the_disk_is_full(tmp_path: Path) -> None:
    checkout = make_checkout(tmp_path)
    (tmp_path / "sales.parquet").touch()
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, "configure", "--source", "sales.parquet"],
        cwd=tmp_path, env=checkout.environment, capture_output=True, text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)),
    )  # fmt: skip
    assert done.returncode == 1
    assert "error: the disk is full" in done.stderr and "hint:  make room" in done.stderr
    assert "Traceback" not in done.stderr


def test_polars_words_for_it_are_known() -> None:
    with pytest.raises(pl.exceptions.ComputeError) as caught:
        pl.DataFrame({"a": range(100_000)}).write_parquet("/dev/full")
    shown = full_disk(caught.value)
    assert shown is not None and "No space left on device" in shown.message


def test_it_is_found_behind_the_error_of_who_called() -> None:
    try:
        try:
            raise OSError(28, "No space left on device", "work/panel/part.parquet")
        except OSError as error:
            raise RuntimeError("the task failed") from error
    except RuntimeError as error:
        shown = full_disk(error)
    assert shown is not None and shown.message == "the disk is full: work/panel/part.parquet."


def test_another_error_is_none_of_it() -> None:
    assert full_disk(FileNotFoundError(2, "No such file", "x")) is None
