"""The documents of a source: a file each, known by its content, so that what was read of it need not be read again."""

import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from demand.ingest.shelf import digest_of
from demand.ingest.source import file_name, find_files, read_file
from demand.ingest.table import Table

SETTLED = 2.0  # seconds after which a file that is written again has another time of change


@dataclass(frozen=True)
class Document:
    """name: its way from the source's folder; digest: of its content; read: gives its tables, raises SourceError;
    stays: whether it still is what the digest was made of."""

    name: str
    digest: str
    read: Callable[[], Iterator[Table]]
    stays: Callable[[], bool] = lambda: True


def find_documents(source: Path, known: Path, *, trust: bool = True, settled: float = SETTLED) -> list[Document]:
    """The files of a source in the order of their names. Raises SourceError when there is none.

    A file whose size, inode and times (of its content and of its inode, which nobody can set back) are those that the
    file `known` has of it is not read to know its digest, unless `trust` is False. One that changed less than `settled`
    seconds ago might change again and keep its times: it is not written down.
    """
    before = _read_known(known) if trust else {}
    now = {}
    documents = []
    for path in find_files(source):
        place, stamp = str(path.resolve()), _stamp(path)
        digest = before[place][1] if place in before and before[place][0] == stamp else digest_of(path)
        if _stamp(path) == stamp and time.time() - max(path.stat().st_mtime, path.stat().st_ctime) > settled:
            now[place] = (stamp, digest)
        name = file_name(path, source)
        read, stays = partial(read_file, path, name), partial(_is_still, path, stamp)
        documents.append(Document(name, f"{path.suffix.lower()} {digest}", read, stays))
    _write_known(known, now)
    return documents


def _stamp(path: Path) -> list[int]:
    found = path.stat()
    return [found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino]


def _is_still(path: Path, stamp: list[int]) -> bool:
    return path.exists() and _stamp(path) == stamp


def _read_known(known: Path) -> dict[str, tuple[list[int], str]]:
    try:
        return {place: (stamp, digest) for place, (stamp, digest) in json.loads(known.read_text()).items()}
    except (OSError, ValueError, AttributeError):  # it is a cache: torn, it is as good as none
        return {}


def _write_known(known: Path, digests: dict[str, tuple[list[int], str]]) -> None:
    known.parent.mkdir(parents=True, exist_ok=True)
    fresh = known.with_name(f".{known.name}.{os.getpid()}")
    fresh.write_text(json.dumps(digests))
    fresh.replace(known)
