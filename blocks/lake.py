"""The lake: a folder or an S3 bucket, and the few things we do there: read, write once, swap a pointer, mirror.

Importing it costs 0.1 s: no Prefect here. Operators configure it through the block in `lake_block.py`.
"""

import fcntl
import hashlib
import os
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError
from obstore.store import LocalStore, ObjectStore, from_url

from blocks.endpoints import obstore_settings
from pricewright.core.address import refuse_secret
from pricewright.core.errors import ChannelConflict, LakeError
from pricewright.core.manifest import MANIFEST, MOST_BYTES

ATTEMPTS = 40  # to swap, before a writer gives up
PAUSE, LONGEST_PAUSE = 0.01, 1.0  # seconds before a swap is tried again: twice as long each time, up to the second
SMALL, LARGE = 64 << 10, 8 << 30  # bytes: pointers and holds, and whatever fits into no memory
Result = TypeVar("Result")


@dataclass(frozen=True)
class Blob:
    """The content of an object; `tag` names this version of it, for a swap."""

    body: bytes
    tag: str


class Lake:
    """An object store below a URL: `s3://bucket/prefix`, `file:///folder`, or a path."""

    def __init__(
        self, url: str, environment: Mapping[str, str] | None = None, sync: Callable[[int], None] = os.fsync
    ) -> None:
        """Nothing is opened or created before the first use. The endpoint of S3 comes from the environment.

        sync: brings an open file, or folder, to the disk. Raises ParameterError for a URL with a secret in it.
        """
        refuse_secret("the lake's URL", url)
        self._folder = None if "://" in url and not url.startswith("file://") else _folder(url)
        self.url = url if self._folder is None else str(self._folder)
        self._environment = os.environ if environment is None else environment
        self._opened: ObjectStore | None = None
        self._sync = sync

    @property
    def environment(self) -> Mapping[str, str]:
        """What it was opened with; anyone else who reads this lake needs the same endpoint and region."""
        return self._environment

    def find(self, key: str) -> Blob | None:
        """An object, or None where there is none; a folder that is not there yet is not created by looking.

        Raises LakeError when it has more bytes than one of its kind can have, or a link of the folder leads out of it.
        """
        if self._absent():
            return None
        self._stay_inside(key)
        try:
            answer = self._do(lambda store: obstore.get(store, key))
            size, most = answer.meta["size"], _most(key)
            if size > most:
                raise LakeError(f"{self.url}/{key} has {size:,} bytes, at most {most:,} are read.")
            body = bytes(answer.bytes())
        except FileNotFoundError:
            return None
        return Blob(body, self._tag(body, answer.meta["e_tag"]))

    def read(self, key: str) -> Blob:
        """An object. Raises LakeError where there is none, and as find does."""
        blob = self.find(key)
        if blob is None:
            raise LakeError(f"{self.url} has no {key}.", hint="pricewright releases lists what is there.")
        return blob

    def list(self, prefix: str) -> dict[str, int]:
        """Keys below a prefix with their sizes in bytes."""
        return {key: int(size) for key, (size, _) in self._listing(prefix).items()}

    def tags(self, prefix: str) -> dict[str, str]:
        """Keys below a prefix, each with what tells its content from another: the store's tag, or size and time."""
        return {key: f"{size} {tag}" for key, (size, tag) in self._listing(prefix).items()}

    def changed(self, prefix: str) -> dict[str, datetime]:
        """Keys below a prefix, each with when its object was written (UTC)."""

        def collect(store: ObjectStore) -> dict[str, datetime]:
            return {meta["path"]: meta["last_modified"] for page in obstore.list(store, prefix) for meta in page}

        return {} if self._absent() else self._do(collect)

    def write_new(self, key: str, body: bytes) -> None:
        """Write an object that never changes again; writing the same bytes once more is not an error."""
        try:
            self._do(lambda store: obstore.put(store, key, body, mode="create", use_multipart=False))
        except AlreadyExistsError:
            if self.read(key).body != body:
                raise LakeError(f"{self.url}/{key} exists with other content, and never changes.") from None

    def swap(self, key: str, expected: Blob | None, body: bytes) -> None:
        """Replace an object if it still is what we read (None: absent). Raises ChannelConflict if it is not."""
        if self._folder is not None:
            try:
                self._swap_file(self._folder / key, expected, body)
            except OSError as error:
                raise self._refused(error) from error
            return
        mode: Any = "create" if expected is None else {"e_tag": expected.tag}
        try:
            self._do(lambda store: obstore.put(store, key, body, mode=mode, use_multipart=False))
        except (AlreadyExistsError, PreconditionError, FileNotFoundError):
            raise _conflict(key) from None

    def update(self, key: str, change: Callable[[bytes | None], bytes | None]) -> bytes | None:
        """Read an object, change its bytes (None: absent), swap it in; `change` is asked again when another was first.

        Nothing is written where `change` gives None. Returns what stands there afterwards. Raises ChannelConflict when
        every attempt came too late, and whatever `change` raises.
        """
        attempt = 0
        while True:
            attempt += 1
            seen = self.find(key)
            before = seen.body if seen else None
            body = change(before)
            if body is None:
                return before
            try:
                self.swap(key, seen, body)
                return body
            except ChannelConflict:
                if attempt == ATTEMPTS:
                    raise
                longest = min(PAUSE * 2**attempt, LONGEST_PAUSE)
                time.sleep(random.uniform(0, longest))  # noqa: S311 # nosec B311 # no two writers keep step

    def remove(self, *keys: str) -> None:
        """Remove objects; those that are not there are no error."""
        for key in keys:
            try:
                self._do(partial(obstore.delete, paths=key))
            except FileNotFoundError:
                continue

    def remove_below(self, prefix: str) -> None:
        """Remove all objects below a prefix that nobody else writes to, and the folder where it is one."""
        self.remove(*sorted(self.list(prefix)))
        if self._folder is not None:
            with suppress(OSError):  # somebody wrote there after all
                (self._folder / prefix).rmdir()

    def flush(self, prefix: str) -> None:
        """Bring all below a prefix to the disk, and the folders that name it: S3 answers when that is done already."""
        if self._folder is None:
            return
        for path in sorted((self._folder / prefix).rglob("*")):
            if path.is_file() and not path.is_symlink():
                self._flush(path)
        below = self._folder / prefix
        for folder in (below, *below.relative_to(self._folder).parents):
            self._flush(self._folder / folder)

    def _flush(self, path: Path) -> None:
        try:
            handle = os.open(path, os.O_RDONLY)
        except OSError as error:
            raise self._refused(error) from error
        try:
            self._sync(handle)
        finally:
            os.close(handle)

    def publish_folder(self, prefix: str, folder: Path) -> int:
        """Make the keys below a prefix those of a folder, uploading only what differs; returns how many did."""
        there = self._listing(prefix)
        files = {f"{prefix}/{path.relative_to(folder).as_posix()}": path for path in _files(folder)}
        uploaded = 0
        for key, path in sorted(files.items()):
            body = path.read_bytes()
            if key not in there or not self._same(key, body, *there[key]):
                self._do(partial(obstore.put, path=key, file=body, use_multipart=False))
                uploaded += 1
        self.remove(*sorted(set(there) - set(files)))
        return uploaded

    def _listing(self, prefix: str) -> dict[str, tuple[int, str | None]]:
        def collect(store: ObjectStore) -> dict[str, tuple[int, str | None]]:
            return {
                meta["path"]: (meta["size"], meta["e_tag"]) for page in obstore.list(store, prefix) for meta in page
            }

        return {} if self._absent() else self._do(collect)

    def _stay_inside(self, key: str) -> None:
        if self._folder is None:
            return
        path, folder = (self._folder / key).resolve(), self._folder.resolve()
        if not path.is_relative_to(folder):
            raise LakeError(f"{self._folder / key} leads to {path}, out of the lake: such a link is not followed.")

    def _absent(self) -> bool:
        return self._folder is not None and not self._folder.exists()

    def _same(self, key: str, body: bytes, size: int, e_tag: str | None) -> bool:
        """S3's tag of an object that was put in one part is its MD5 (not so under KMS: then we upload again)."""
        if size != len(body):
            return False
        if self._folder is not None:
            return (self._folder / key).read_bytes() == body
        return (e_tag or "").strip('"') == hashlib.md5(body, usedforsecurity=False).hexdigest()

    def _tag(self, body: bytes, e_tag: str | None) -> str:
        return e_tag or "" if self._folder is None else hashlib.sha256(body).hexdigest()

    def _swap_file(self, path: Path, expected: Blob | None, body: bytes) -> None:
        """A local store has no compare-and-swap: hold the folder's lock, compare, rename."""
        self._stay_inside(path.parent.relative_to(self._folder or path).as_posix())
        path.parent.mkdir(parents=True, exist_ok=True)
        with _locked(path.parent):
            now = hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else None
            if now != (expected.tag if expected else None):
                raise _conflict(str(path.name))
            handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".")
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(body)
                    file.flush()
                    self._sync(file.fileno())
                os.chmod(temporary, 0o644)
                os.replace(temporary, path)
                self._flush(path.parent)
            except BaseException:
                with suppress(FileNotFoundError):
                    os.unlink(temporary)
                raise

    def _do(self, work: Callable[[ObjectStore], Result]) -> Result:
        try:
            return work(self._store())
        except (AlreadyExistsError, PreconditionError, FileNotFoundError):
            raise
        except (BaseError, OSError) as error:
            raise self._refused(error) from error

    def _refused(self, error: Exception) -> LakeError:
        first = str(error).strip().splitlines()[0]
        return LakeError(f"the lake {self.url} refuses: {first}", hint="pricewright doctor checks it.")

    def _store(self) -> ObjectStore:
        if self._opened is None:
            if self._folder is not None:
                self._opened = LocalStore(self._folder, mkdir=True)
            else:
                self._opened = from_url(self.url, **obstore_settings(self._environment))
        return self._opened


def _most(key: str) -> int:
    """How many bytes an object of this name can have; what is larger is not what it says it is."""
    return (
        SMALL
        if key.startswith(("channels/", "holds/", "approvals/"))
        else MOST_BYTES
        if key.endswith(f"/{MANIFEST}")
        else LARGE
    )


def _folder(url: str) -> Path:
    return Path(url.removeprefix("file://")).expanduser().absolute()


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))


def _conflict(key: str) -> ChannelConflict:
    return ChannelConflict(f"{key} was changed by another writer between our read and our write.", hint="try again.")


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """An exclusive lock on a folder itself, so that no lock file lies in the lake."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
