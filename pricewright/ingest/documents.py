"""The documents of a source: a file each, known by its content, so that what was read of it need not be read again."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pricewright.ingest.digests import CONTENT, INODE, SETTLED, Digests, Stamp, stamp_of
from pricewright.ingest.source import file_name, find_files, kind_of, read_file
from pricewright.ingest.table import Grid, Table


@dataclass(frozen=True)
class Document:
    """name: its way from the source's folder; digest: of its content; read: gives its tables, raises SourceError;
    stays: whether it still is what the digest was made of; size: bytes of its file."""

    name: str
    digest: str
    read: Callable[[], Iterator[Table | Grid]]
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
