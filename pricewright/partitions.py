"""Week partitions of a frame, `week=2011-W49/part.parquet`: equal rows give equal bytes."""

import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from operator import itemgetter
from pathlib import Path

import polars as pl

from pricewright.core.errors import LedgerError, ParameterError

UNKNOWN = "unknown"  # the week of rows without a date
PART = "part.parquet"
NAME = re.compile(r"^(\d{4})-W(\d{2})$")


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
    with _swapped_in(folder) as fresh:
        for week, rows in by_week(frame, week_column):
            write_part(rows, _part_path(fresh, week))


def gather_partitions(parts: Mapping[str, Path], folder: Path, empty: pl.DataFrame) -> None:
    """Make `folder` hold exactly these files by week, as write_partitions would; `empty` has the columns if none is.

    They are linked where the file system can, so that weeks that stay cost nothing.
    """
    with _swapped_in(folder) as fresh:
        for week, part in parts.items():
            _link(part, _part_path(fresh, week))
        if not parts:
            write_part(empty, _part_path(fresh, UNKNOWN))


def write_part(rows: pl.DataFrame, path: Path) -> None:
    """The rows as a file: the same bytes for the same rows."""
    rows.rechunk().write_parquet(path, compression="zstd", row_group_size=max(rows.height, 1), statistics=True)


def read_partitions(folder: Path, columns: Sequence[str] | None = None) -> pl.DataFrame:
    """All rows of a folder of week partitions, week by week, with all columns unless some are named.

    Raises LedgerError when it holds none.
    """
    wanted = list(columns) if columns else None
    parts = partition_files(folder).values()
    return pl.concat([pl.read_parquet(part, columns=wanted, hive_partitioning=False) for part in parts])


def partition_files(folder: Path) -> dict[str, Path]:
    """The files of a folder of week partitions by week, in order. Raises LedgerError when it holds none."""
    parts = sorted(folder.glob(f"week=*/{PART}"))
    if not parts:
        raise LedgerError(f"{folder} holds no week partition.", "run the stage that writes it.")
    return {part.parent.name.removeprefix("week="): part for part in parts}


def week_of(column: str) -> pl.Expr:
    """The ISO week of a column of days or times, UNKNOWN where it is null."""
    return pl.col(column).dt.strftime("%G-W%V").fill_null(UNKNOWN)


def by_week(frame: pl.DataFrame, week_column: str) -> list[tuple[str, pl.DataFrame]]:
    """The rows of every week in their order, the weeks sorted; UNKNOWN where the day is null."""
    if frame.is_empty():
        return [(UNKNOWN, frame)]
    # to find a row's Monday costs a fifth of writing down its week
    mondays = frame.with_columns(pl.col(week_column).dt.truncate("1w").alias("__monday"))
    parts = mondays.partition_by("__monday", include_key=False, maintain_order=True)
    named = [(str(part.head(1).select(week_of(week_column)).item()), part) for part in parts]
    return sorted(named, key=itemgetter(0))


def _part_path(folder: Path, week: str) -> Path:
    part = folder / f"week={week}" / PART
    part.parent.mkdir(parents=True)
    return part


@contextmanager
def _swapped_in(folder: Path) -> Iterator[Path]:
    """A folder beside the given one that takes its place when it is full."""
    fresh, stale = folder.with_name(f".{folder.name}.new"), folder.with_name(f".{folder.name}.old")
    for leftover in (fresh, stale):
        shutil.rmtree(leftover, ignore_errors=True)
    yield fresh
    if folder.exists():
        folder.rename(stale)
    fresh.rename(folder)
    shutil.rmtree(stale, ignore_errors=True)


def _link(file: Path, target: Path) -> None:
    try:
        os.link(file, target)
    except OSError:  # another device, or a file system without links
        shutil.copyfile(file, target)


def monday_of(week: str) -> date:
    """The Monday that a week begins with. Raises ParameterError when there is no such week."""
    found = NAME.match(week)
    try:
        return date.fromisocalendar(int(found[1]), int(found[2]), 1) if found else _none(week)
    except ValueError:
        return _none(week)


def _none(week: str) -> date:
    raise ParameterError(f"{week!r} is not a week.", "write year and ISO week, as 2011-W49.") from None
