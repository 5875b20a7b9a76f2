"""A table as the file holds it: its name, rows and first row number; gzip and zip are unpacked."""

import gzip
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import Any

import polars as pl

from pricewright.core.errors import SourceError

MOST_UNPACKED = 4 << 30  # bytes; a full sheet of a million rows has 0.5 GB
CHUNK = 1 << 20  # bytes
DAMAGED = (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, NotImplementedError, RuntimeError)


@dataclass(frozen=True)
class Table:
    """`first_row` is the number that the file's own tools give to the first row of `frame`.

    facts: how the file was read, where that had to be found out: `header_row`, a text's `encoding` and `separator`.
    """

    name: str
    frame: pl.DataFrame
    first_row: int = 1
    sheet: bool = False  # one of several sheets of a workbook: it may hold something else
    facts: Mapping[str, Any] = field(default_factory=dict)

    def row(self, index: int) -> int:
        """The number of a row of `frame` in the file."""
        return self.first_row + index

    def below(self, header_row: int) -> "Table":
        """The table itself: its header is not one of its rows."""
        return self


@dataclass(frozen=True)
class CellGrid:
    """A table whose header may be in any of its first rows, which `top` holds as text, as far as each goes.

    read: gives the rows below a header in the row of this number, counted from 1 on.
    """

    name: str
    top: Sequence[Sequence[str | None]]
    read: Callable[[int], pl.DataFrame]
    sheet: bool = False
    encoding: str = ""
    separator: str = ""

    def below(self, header_row: int) -> Table:
        """The table with its header in this row. Raises SourceError when it has no row."""
        found = {"encoding": self.encoding, "separator": self.separator}
        facts = {"header_row": header_row, **{name: value for name, value in found.items() if value}}
        table = Table(self.name, self.read(header_row), header_row + 1, self.sheet, facts)
        return table if table.sheet else with_rows(table)


def with_rows(table: Table) -> Table:
    """The table. Raises SourceError when it has no columns or no rows."""
    if table.frame.width == 0:
        raise SourceError(f"{table.name} is empty: a header and sales lines are needed.", "was the export cut off?")
    if table.frame.height == 0:
        names = ", ".join(table.frame.columns)
        raise SourceError(f"{table.name} has a header ({names}) and no row below it.", "was the export cut off?")
    return table


def unpacked_gzip(file: Path | BytesIO, name: str) -> BytesIO:
    """What a `.gz` holds. Raises SourceError when it is damaged or too large; a first reading only counts bytes."""
    try:
        with gzip.open(file) as packed:
            size = 0
            while chunk := packed.read(CHUNK):
                size += len(chunk)
                check_size(name, size)
            packed.seek(0)
            return BytesIO(packed.read())
    except DAMAGED as error:
        raise SourceError(f"{name} cannot be unpacked: {error}.", "is the file complete?") from error


def zip_entries(file: Path | BytesIO, name: str, kinds: Sequence[str]) -> Iterator[tuple[str, BytesIO, bool]]:
    """Name and content of the files that end with one of `kinds`, by name, and whether there is only one.

    Raises SourceError when there is none, or the archive is damaged, locked or too large.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            entries = sorted(entry.filename for entry in archive.infolist() if _is_wanted(entry.filename, kinds))
            check_size(name, unpacked_size(file))
            if not entries:
                known = ", ".join(sorted(kinds))
                raise SourceError(f"{name} holds no file that ends with {known}.", "is it the right archive?")
            for entry in entries:
                yield entry, BytesIO(archive.read(entry)), len(entries) == 1
    except DAMAGED as error:
        hint = "is the file complete, and without a password?"
        raise SourceError(f"{name} cannot be unpacked: {error}.", hint) from error


def unpacked_size(file: Path | BytesIO) -> int:
    """What a zip says that it holds, in bytes: a few kilobytes can stand for gigabytes of zeros."""
    try:
        with zipfile.ZipFile(file) as archive:
            return sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return 0  # the reader says what is wrong


def check_size(name: str, size: int) -> None:
    """Raises SourceError when a file is larger than what is read."""
    if size > MOST_UNPACKED:
        hint = "export it as CSV, in several files."
        raise SourceError(f"{name} has {size:,} bytes when unpacked, at most {MOST_UNPACKED:,} are read.", hint)


def is_visible(name: str) -> bool:
    """Neither hidden, nor Excel's lock file of an open workbook, nor what macOS adds to archives."""
    return not any(part.startswith((".", "~$", "__MACOSX")) for part in PurePosixPath(name).parts)


def _is_wanted(name: str, kinds: Sequence[str]) -> bool:
    return not name.endswith("/") and is_visible(name) and PurePosixPath(name).suffix.lower() in kinds
