"""Finds the files of a source, one file or a folder of them, and knows each by its content."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from io import BytesIO
from pathlib import Path, PurePosixPath

import polars as pl

from pricewright.core.errors import SourceError
from pricewright.files import CONTENT, INODE, SETTLED, Digests, Stamp, stamp_of
from pricewright.ingest.formats import first_line, read_delimited, read_workbook
from pricewright.ingest.tables import CellGrid, Table, is_visible, unpacked_gzip, with_rows, zip_entries

File = Path | BytesIO  # on disk, or taken out of an archive


def read_tables(source: Path) -> Iterator[Table | CellGrid]:
    """Every table of the source: one per file, sheet of a workbook and file in an archive. Raises SourceError."""
    for path in find_files(source):
        yield from read_file(path, file_name(path, source))


def read_file(path: Path, name: str) -> Iterator[Table | CellGrid]:
    """The tables of one file, which messages call `name`. Raises SourceError."""
    yield from READERS[path.suffix.lower()](path, name)


def kind_of(path: Path) -> str:
    """What decides how a file is read: its last suffix, and for a `.gz` the one before it too."""
    return "".join(path.suffixes[-2:] if path.suffix.lower() == ".gz" else [path.suffix]).lower()


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
    return is_visible(path.relative_to(folder).as_posix())


def _known() -> str:
    return ", ".join(sorted(READERS))


def _read_parquet(file: File, name: str) -> Iterator[Table]:
    try:
        frame = pl.read_parquet(file, hive_partitioning=False)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise SourceError(f"{name} is no Parquet file: {first_line(error)}", "is the file complete?") from error
    yield with_rows(Table(name, frame))


def _read_text(file: File, name: str) -> Iterator[CellGrid]:
    yield read_delimited(file.getvalue() if isinstance(file, BytesIO) else file.read_bytes(), name)


def _read_gzip(file: File, name: str) -> Iterator[Table | CellGrid]:
    inner = PurePosixPath(name).with_suffix("").suffix.lower() or ".csv"
    if inner not in FLAT:
        raise SourceError(f"{name} holds a file that ends with {inner!r}: {', '.join(sorted(FLAT))} are read.")
    yield from FLAT[inner](unpacked_gzip(file, name), name)


def _read_zip(file: File, name: str) -> Iterator[Table | CellGrid]:
    """Every readable file of the archive, called `archive.zip/file.csv`."""
    for entry, content, alone in zip_entries(file, name, tuple(FLAT)):
        for table in FLAT[PurePosixPath(entry).suffix.lower()](content, f"{name}/{entry}"):
            yield table if alone else replace(table, sheet=True)


FLAT: dict[str, Callable[[File, str], Iterator[Table | CellGrid]]] = {
    ".csv": _read_text,
    ".tsv": _read_text,
    ".txt": _read_text,
    ".parquet": _read_parquet,
    ".xlsx": read_workbook,
}
READERS = FLAT | {".gz": _read_gzip, ".zip": _read_zip}


@dataclass(frozen=True)
class Document:
    """name: its way from the source's folder; digest: of its content; read: gives its tables, raises SourceError;
    stays: whether it still is what the digest was made of; size: bytes of its file."""

    name: str
    digest: str
    read: Callable[[], Iterator[Table | CellGrid]]
    stays: Callable[[], bool] = lambda: True
    size: int = 0


def find_documents(source: Path, known: Path, *, trust: bool = True, settled: float = SETTLED) -> list[Document]:
    """The files of a source in the order of their names. Raises SourceError when there is none.

    A file whose size, inode and times are those that the file `known` has of it is not read to know its digest, unless
    `trust` is False; `settled`: see Digests.
    """
    digests = Digests(known, (CONTENT, INODE), trust=trust, settled=settled)
    documents = []
    for path in find_files(source):
        stamp, digest, name = digests.stamp(path), digests.of(path), file_name(path, source)
        read, stays = partial(read_file, path, name), partial(_is_still, path, stamp)
        documents.append(Document(name, f"{kind_of(path)} {digest}", read, stays, path.stat().st_size))
    digests.save()
    return documents


def _is_still(path: Path, stamp: Stamp) -> bool:
    return path.exists() and stamp_of(path, (CONTENT, INODE)) == stamp
