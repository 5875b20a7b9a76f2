"""Week partitions hold the rows they were given, the same bytes each time, and nothing of an earlier run."""

import hashlib
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest

from pricewright.core.errors import LedgerError, ParameterError
from pricewright.partitions import iso_week, read_partitions, write_partitions


@pytest.fixture
def frame() -> pl.DataFrame:
    times = [datetime(2011, 12, 9, 12), datetime(2010, 12, 1, 8), None, datetime(2012, 1, 1), datetime(2010, 12, 5)]
    return pl.DataFrame({"row": range(5), "invoice_time": pl.Series(times, dtype=pl.Datetime("us"))})


def files(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*.parquet"))
    }


def test_a_week_is_an_iso_week(frame: pl.DataFrame, tmp_path: Path) -> None:
    assert iso_week(date(2011, 12, 9)) == "2011-W49"
    assert iso_week(date(2012, 1, 1)) == "2011-W52"  # a Sunday
    write_partitions(frame, tmp_path / "raw", "invoice_time")
    weeks = ["2010-W48", "2011-W49", "2011-W52", "unknown"]
    assert list(files(tmp_path / "raw")) == [f"week={week}/part.parquet" for week in weeks]


def test_what_is_written_is_read_again(frame: pl.DataFrame, tmp_path: Path) -> None:
    write_partitions(frame, tmp_path / "raw", "invoice_time")
    assert read_partitions(tmp_path / "raw").sort("row").equals(frame)
    assert read_partitions(tmp_path / "raw")["row"].to_list() == [1, 4, 0, 3, 2]  # week by week, in the given order


def test_the_same_rows_make_the_same_bytes(frame: pl.DataFrame, tmp_path: Path) -> None:
    in_pieces = pl.concat([frame.head(2), frame.tail(3)], rechunk=False)
    write_partitions(frame, tmp_path / "one", "invoice_time")
    write_partitions(in_pieces, tmp_path / "two", "invoice_time")
    assert files(tmp_path / "one") == files(tmp_path / "two")


def test_a_week_that_is_gone_leaves_no_file(frame: pl.DataFrame, tmp_path: Path) -> None:
    write_partitions(frame, tmp_path / "raw", "invoice_time")
    write_partitions(frame.head(1), tmp_path / "raw", "invoice_time")
    assert list(files(tmp_path / "raw")) == ["week=2011-W49/part.parquet"]
    assert [path.name for path in tmp_path.iterdir()] == ["raw"]


def test_a_hard_link_to_an_earlier_file_keeps_its_content(frame: pl.DataFrame, tmp_path: Path) -> None:
    write_partitions(frame, tmp_path / "raw", "invoice_time")
    link = tmp_path / "cached"
    link.hardlink_to(tmp_path / "raw/week=2011-W49/part.parquet")
    before = link.read_bytes()
    write_partitions(frame.with_columns(pl.col("row") + 10), tmp_path / "raw", "invoice_time")
    assert link.read_bytes() == before


def test_no_rows_keep_their_columns(frame: pl.DataFrame, tmp_path: Path) -> None:
    write_partitions(frame.clear(), tmp_path / "raw", "invoice_time")
    assert read_partitions(tmp_path / "raw").schema == frame.schema


def test_a_folder_without_partitions_is_named(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="holds no week partition"):
        read_partitions(tmp_path)


def test_weeks_come_from_days_or_times_only(frame: pl.DataFrame, tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="'row' is Int64: it must hold days or times"):
        write_partitions(frame, tmp_path / "raw", "row")
    assert not (tmp_path / "raw").exists()


def test_what_a_killed_run_left_is_cleared_away(frame: pl.DataFrame, tmp_path: Path) -> None:
    for leftover in (".raw.new", ".raw.old"):
        (tmp_path / leftover / "week=1999-W01").mkdir(parents=True)
        (tmp_path / leftover / "week=1999-W01" / "part.parquet").write_text("half")
    write_partitions(frame.head(1), tmp_path / "raw", "invoice_time")
    assert list(files(tmp_path)) == ["raw/week=2011-W49/part.parquet"]
