"""Packed files: `.gz` and `.zip`. What they unpack to is known before it is in memory."""

import gzip
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path, PurePosixPath

from pricewright.core.errors import SourceError

MOST_UNPACKED = 4 << 30  # bytes; a full sheet of a million rows has 0.5 GB
CHUNK = 1 << 20  # bytes
DAMAGED = (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, NotImplementedError, RuntimeError)


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
        return 0  # whoever reads it says what is wrong


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
