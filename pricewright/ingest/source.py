"""The files of a source: one CSV, Parquet or xlsx file, or a folder of them, in the order of their names."""

import warnings
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl

from pricewright.core.errors import SourceError
from pricewright.ingest.delimited import read_delimited
from pricewright.ingest.table import HEADER_ROWS, Table, with_rows

MOST_UNFOLDED = 4 << 30  # bytes; a full sheet of a million rows has 0.5 GB


def read_tables(source: Path) -> Iterator[Table]:
    """Every table of the source: one per file, one per sheet of a workbook. Raises SourceError."""
    for path in find_files(source):
        yield from read_file(path, file_name(path, source))


def read_file(path: Path, name: str) -> Iterator[Table]:
    """The tables of one file, which messages call `name`. Raises SourceError."""
    yield from READERS[path.suffix.lower()](path, name)


def file_name(path: Path, source: Path) -> str:
    """What a file of the source is called: its way from the source's folder."""
    return path.relative_to(source).as_posix() if path != source else path.name


def find_files(source: Path) -> list[Path]:
    """The readable files of the source, sorted. Raises SourceError when there is none."""
    if not source.exists():
        raise SourceError(f"{source} does not exist.", "give a CSV, Parquet or xlsx file, or a folder of them.")
    if source.is_file():
        if source.suffix.lower() not in READERS:
            raise SourceError(f"{source.name} ends with {source.suffix!r}: {_known()} are read.", "export it as CSV.")
        return [source]
    files = sorted(p for p in source.rglob("*") if p.is_file() and p.suffix.lower() in READERS and _visible(p, source))
    if not files:
        raise SourceError(f"the folder {source} holds no file that ends with {_known()}.", "is it the right folder?")
    return files


def _visible(path: Path, folder: Path) -> bool:
    """Neither hidden nor Excel's lock file of an open workbook."""
    return not any(part.startswith((".", "~$")) for part in path.relative_to(folder).parts)


def _known() -> str:
    return ", ".join(sorted(READERS))


def _read_parquet(path: Path, name: str) -> Iterator[Table]:
    try:
        frame = pl.read_parquet(path, hive_partitioning=False)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise SourceError(f"{name} is no Parquet file: {_first_line(error)}", "is the file complete?") from error
    yield with_rows(Table(name, frame))


def _read_workbook(path: Path, name: str) -> Iterator[Table]:
    """Every sheet with rows; its name is `file[sheet]` when there are several. Raises SourceError when none has."""
    if not zipfile.is_zipfile(path):
        raise SourceError(f"{name} is no xlsx workbook.", "save it from Excel as .xlsx, or export it as CSV.")
    unfolded = _unfolded(path)
    if unfolded > MOST_UNFOLDED:
        raise SourceError(
            f"{name} has {unfolded:,} bytes when unpacked, at most {MOST_UNFOLDED:,} are read.", "export it as CSV."
        )
    try:
        with warnings.catch_warnings(action="ignore"):  # about the types of single cells, which are read as text
            sheets = pl.read_excel(
                path, sheet_id=0, infer_schema_length=None, raise_if_empty=False, drop_empty_rows=False
            )
    except Exception as error:  # fastexcel's own errors share no other base
        raise SourceError(f"{name} cannot be read as a workbook: {_first_line(error)}", "export it as CSV.") from error
    filled = {sheet: frame for sheet, frame in sheets.items() if frame.height}
    if not filled:
        raise SourceError(f"{name} has no sheet with rows.", "was the export cut off?")
    several = len(filled) > 1
    for sheet, frame in filled.items():
        yield Table(f"{name}[{sheet}]" if several else name, frame, HEADER_ROWS + 1, several)


def _unfolded(path: Path) -> int:
    """What the workbook's zip says that it holds, in bytes: a few kilobytes can stand for gigabytes of zeros."""
    try:
        with zipfile.ZipFile(path) as archive:
            return sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return 0  # whoever reads it says what is wrong


def _read_text(path: Path, name: str) -> Iterator[Table]:
    yield with_rows(read_delimited(path, name))


def _first_line(error: Exception) -> str:
    return f"{str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__}."


READERS: dict[str, Callable[[Path, str], Iterator[Table]]] = {
    ".csv": _read_text,
    ".tsv": _read_text,
    ".txt": _read_text,
    ".parquet": _read_parquet,
    ".xlsx": _read_workbook,
}
