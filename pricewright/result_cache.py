"""Caches results on disk, each in a folder under its key: found whole, or not found at all.

It may be deleted at any time. Every file's sha256 is written down with it, so that a torn or altered file is noticed;
the result is then worked out once more. To read all of them would cost each run the whole history: those that have the
size, inode and time of change with which they were found whole since the machine started are taken for the same.
"""

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import polars as pl

from pricewright.files import digest_of, stamp_of, write_whole

INDEX, STAMP = "index.json", "stamp.json"
BOOT = Path("/proc/sys/kernel/random/boot_id")  # a machine that stops may lose what its files already promised
DAY = 86400.0  # seconds
Piece = TypeVar("Piece")
Result = TypeVar("Result")


@dataclass(frozen=True)
class CachedResult:
    """A result: its files lie in `folder`, `files` has their sha256; `index` is what its maker wanted to be known."""

    key: str
    folder: Path
    index: dict[str, Any]
    files: dict[str, str]


class ResultCache:
    """Results by key. Several processes may work on one: each result is put there in one step.

    boot: a file that differs after each start of the machine.
    """

    def __init__(self, folder: Path, boot: Path = BOOT) -> None:
        self.folder = folder
        self._boot = boot.read_text().strip() if boot.exists() else ""
        self._seen: dict[str, CachedResult] = {}

    def find(self, key: str) -> CachedResult | None:
        """The result, if it is there and none of its files differs from what was put there."""
        if key not in self._seen:
            folder = self.folder / key
            try:
                known = json.loads((folder / INDEX).read_text())
                if not self._is_whole(folder, known["files"]):
                    return None
            except (OSError, ValueError, KeyError, AttributeError):
                return None
            os.utime(folder)  # used today
            self._seen[key] = CachedResult(key, folder, known["index"], known["files"])
        return self._seen[key]

    def put(self, key: str, write: Callable[[Path], Mapping[str, Any]]) -> CachedResult:
        """Let `write` fill a folder and say what is to be known of it; then it takes its place under the key."""
        self.folder.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(dir=self.folder, prefix="."))
        try:
            index = json.loads(json.dumps(write(fresh)))
            paths = sorted(path for path in fresh.rglob("*") if path.is_file())
            files = {path.relative_to(fresh).as_posix(): digest_of(path) for path in paths}
            (fresh / INDEX).write_text(json.dumps({"index": index, "files": files}))
            (fresh / STAMP).write_text(self._stamp(fresh, files))
            self._move_in(fresh, self.folder / key)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
        self._seen[key] = CachedResult(key, self.folder / key, index, files)
        return self._seen[key]

    def discard(self, key: str) -> None:
        """Forget a result."""
        self._seen.pop(key, None)
        shutil.rmtree(self.folder / key, ignore_errors=True)

    def prune(self, keep: Container[str], days: float) -> None:
        """Remove results that are not to be kept and that nobody used for this many days, and what killed runs left."""
        for folder in self.folder.glob("*") if self.folder.exists() else ():
            if folder.name not in keep and folder.stat().st_mtime < time.time() - days * DAY:
                self.discard(folder.name)

    def _is_whole(self, folder: Path, files: Mapping[str, str]) -> bool:
        """Raises OSError when a file is not there."""
        stamp, known = self._stamp(folder, files), folder / STAMP
        if known.exists() and known.read_text() == stamp:
            return True
        if any(digest_of(folder / name) != digest for name, digest in files.items()):
            return False
        with suppress(OSError):  # a full disk: it is read again next time
            write_whole(known, stamp.encode())
        return True

    def _stamp(self, folder: Path, files: Iterable[str]) -> str:
        return json.dumps([self._boot, *([name, *stamp_of(folder / name)] for name in files)])

    def _move_in(self, fresh: Path, target: Path) -> None:
        """A folder cannot take the place of one that is not empty: that one goes first, and may come back meanwhile."""
        for _ in range(3):
            shutil.rmtree(target, ignore_errors=True)
            try:
                fresh.rename(target)
            except OSError:  # another process was quicker: what it put there is the same result
                continue
            return
        if not target.exists():
            fresh.rename(target)


def key_of(*parts: Any) -> str:
    """A key that differs where any of the parts does."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:32]


def side_by_side(
    work: Callable[[Piece], Result],
    pieces: Sequence[Piece],
    size: Callable[[Piece], int] = lambda piece: 1,
    room: int = 4,
) -> Iterator[Result]:
    """The result of each piece, in order; an error comes where its piece's result would, and the rest is given up.

    So many are worked on at once that together they are not larger than `room`, were each as large as the largest;
    one always is, and never more than Polars has threads.
    """
    largest = max([1, *map(size, pieces)])
    with ThreadPoolExecutor(max(1, min(pl.thread_pool_size(), room // largest))) as pool:
        yield from pool.map(work, pieces)
