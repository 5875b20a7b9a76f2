"""The first rows of a source: enough to see how its files are read, in a second or two."""

import gzip
from codecs import BOM_UTF16_LE
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from pricewright.core.errors import SourceError
from pricewright.ingest.archives import DAMAGED
from pricewright.ingest.delimited import encoding_of
from pricewright.ingest.header import with_header
from pricewright.ingest.source import READERS, file_name, find_files, read_file
from pricewright.ingest.table import Table

ROWS, BYTES = 200_000, 30_000_000  # of all files together, each has an equal share
LEAST_ROWS, LEAST_BYTES = 1_000, 200_000  # of each file, however many there are
TEXTS = (".csv", ".tsv", ".txt")
STEPS_BACK = 100  # line ends that are tried for one that stands in no quotes


@dataclass(frozen=True)
class Sample:
    """The tables below their headers, each with its first rows; whole: whether these are all rows of the source."""

    tables: list[Table]
    whole: bool


def sample(source: Path, known: Mapping[str, Sequence[str]], asked: Mapping[str, str] | None = None) -> Sample:
    """The first rows of every file of the source; `known`, `asked`: see find_columns. Raises SourceError."""
    files = find_files(source)
    rows, size = max(ROWS // len(files), LEAST_ROWS), max(BYTES // len(files), LEAST_BYTES)
    tables, whole = [], True
    for path in files:
        name = file_name(path, source)
        head = _head(path, name, size)
        for part in read_file(path, name) if head is None else READERS[head[0]](BytesIO(head[1]), name):
            table = with_header(part, known, asked)
            whole &= table.frame.height <= rows
            tables.append(replace(table, frame=table.frame.head(rows)))
        whole &= head is None
    return Sample(tables, whole)


def _head(path: Path, name: str, size: int) -> tuple[str, bytes] | None:
    """The kind and the first whole lines of a text file, packed or not; None where it is not longer than `size`."""
    packed = path.suffix.lower() == ".gz"
    kind = PurePosixPath(name).with_suffix("").suffix.lower() or ".csv" if packed else path.suffix.lower()
    if kind not in TEXTS:
        return None
    try:
        with cast(BinaryIO, gzip.open(path)) if packed else path.open("rb") as file:
            content = file.read(size + 1)
    except DAMAGED as error:
        raise SourceError(f"{name} cannot be read: {error}.", "is the file complete?") from error
    return (kind, whole_lines(content[:size], name)) if len(content) > size else None


def whole_lines(content: bytes, name: str) -> bytes:
    """The content up to its last line end, of those nearby the last one that stands in no quotes."""
    encoding = encoding_of(content[: len(content) // 2 * 2], name)  # no half of a character of UTF-16
    cuts = list(islice(_line_ends(content, encoding), STEPS_BACK))
    quotes, last = content.count(b'"'), len(content)
    for cut in cuts:
        quotes -= content.count(b'"', cut, last)
        last = cut
        if quotes % 2 == 0:
            return content[:cut]
    return content[: cuts[0]] if cuts else content


def _line_ends(content: bytes, encoding: str) -> Iterator[int]:
    """The places behind line ends, the last first; those of old Macs where there are no others."""
    if encoding == "utf-16":
        encoding = "utf-16-le" if content.startswith(BOM_UTF16_LE) else "utf-16-be"
    ends = [end.encode(encoding.removesuffix("-sig")) for end in "\n\r"]
    end = ends[0] if ends[0] in content else ends[1]
    at = len(content)
    while (at := content.rfind(end, 0, at + len(end) - 1)) > 0:
        if at % len(end) == 0:  # else it is made of halves of two characters
            yield at + len(end)
