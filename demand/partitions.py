"""Week partitions of a frame: `week=2011-W49/part.parquet`, the same bytes for the same rows."""

import shutil
from datetime import date
from pathlib import Path

import polars as pl

from demand.errors import LedgerError, ParameterError

UNKNOWN = "unknown"  # the week of rows without a date
PART = "part.parquet"


def iso_week(day: date) -> str:
    """The ISO week of a day, such as 2011-W49."""
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02d}"


def write_partitions(frame: pl.DataFrame, folder: Path, week_column: str) -> None:
    """Make `folder` hold exactly the rows of `frame`, one file per ISO week of the day or time in `week_column`.

    Written beside the folder and swapped in whole: weeks that are gone leave no file behind, and files that are
    hard links are replaced, not written into. An empty frame leaves one file that keeps its columns.
    """
    dtype = frame.schema.get(week_column)
    if not isinstance(dtype, pl.Datetime) and dtype != pl.Date:
        raise ParameterError(f"the week column {week_column!r} is {dtype}: it must hold days or times.")
    fresh, stale = folder.with_name(f".{folder.name}.new"), folder.with_name(f".{folder.name}.old")
    for leftover in (fresh, stale):
        shutil.rmtree(leftover, ignore_errors=True)
    for week, rows in _by_week(frame, week_column):
        part = fresh / f"week={week}" / PART
        part.parent.mkdir(parents=True)
        rows.rechunk().write_parquet(part, compression="zstd", row_group_size=max(rows.height, 1), statistics=True)
    if folder.exists():
        folder.rename(stale)
    fresh.rename(folder)
    shutil.rmtree(stale, ignore_errors=True)


def read_partitions(folder: Path) -> pl.DataFrame:
    """All rows of a folder of week partitions, week by week. Raises LedgerError when it holds none."""
    parts = sorted(folder.glob(f"week=*/{PART}"))
    if not parts:
        raise LedgerError(f"{folder} holds no week partition.", "run the stage that writes it.")
    return pl.concat([pl.read_parquet(part, hive_partitioning=False) for part in parts])


def _by_week(frame: pl.DataFrame, week_column: str) -> list[tuple[str, pl.DataFrame]]:
    """The rows of every week in their order, the weeks sorted; UNKNOWN where the day is null."""
    if frame.is_empty():
        return [(UNKNOWN, frame)]
    week = pl.col(week_column).dt.strftime("%G-W%V").fill_null(UNKNOWN)
    parts = frame.with_columns(week.alias("__week")).partition_by("__week", as_dict=True, maintain_order=True)
    return sorted((str(key[0]), part.drop("__week")) for key, part in parts.items())
