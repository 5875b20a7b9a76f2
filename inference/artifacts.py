"""The files of a release, each checked against the manifest before anybody uses it."""

import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from inference.settings import Settings
from inference.store import Store
from pricewright.core.arrays import unpack, unpack_blocks
from pricewright.core.blocks import Blocks
from pricewright.core.errors import LakeError, PricewrightError, ReleaseError
from pricewright.core.manifest import CATALOG, MANIFEST, MOST_BYTES, Manifest
from pricewright.core.models import NETWORK

MOST_FILE = Settings.most_file_bytes
AHEAD = (CATALOG, f"{NETWORK}.onnx")  # what every answer needs: read while the manifest still comes


class Ahead:
    """A file that a thread of its own reads; waiting for several takes as long as for the slowest."""

    def __init__(self, read: Callable[[], bytes]) -> None:
        self._read = read
        self._outcome: bytes | PricewrightError = b""
        self._thread = threading.Thread(target=self._work, daemon=True, name="ahead")
        self._thread.start()

    def result(self) -> bytes:
        """The file's bytes, or what reading it raised."""
        self._thread.join()
        if isinstance(self._outcome, PricewrightError):
            raise self._outcome
        return self._outcome

    def _work(self) -> None:
        try:
            self._outcome = self._read()
        except PricewrightError as error:
            self._outcome = error


class Artifacts:
    """Reads the files of one release; `source` says whether they come from the lake or the image."""

    def __init__(
        self, store: Store, prefix: str, manifest: Manifest, source: str, ahead: Mapping[str, Ahead], most: int
    ) -> None:
        self.manifest = manifest
        self.source = source
        self._most = most
        self._store = store
        self._prefix = prefix
        self._ahead = dict(ahead)

    def read(self, name: str) -> bytes:
        """A file's bytes. Raises ReleaseError when it is missing, too large, or not what the manifest says."""
        self._allow(name)
        body = self._whole(name)
        self.manifest.check(name, body)
        return body

    def arrays(self, name: str) -> Mapping[str, Any]:
        """The arrays of an npz; of a large one they are read and checked as they are asked for.

        Raises ReleaseError when it is missing or not what the manifest says; DamagedFile later, when a part is not.
        """
        entry = self.manifest.files.get(name)
        if entry is None or not entry.blocks:
            return unpack(self.read(name), name)
        self._allow(name)
        body = self._whole(name) if name in self._ahead else b""
        read = (lambda start, stop: body[start:stop]) if body else partial(self._part, name)
        return unpack_blocks(Blocks(f"{name} of release {self.manifest.id}", entry.size, entry.blocks, read), name)

    def _whole(self, name: str) -> bytes:
        try:
            early = self._ahead.pop(name, None)
            return early.result() if early else self._store.read(f"{self._prefix}{name}", self._most)
        except LakeError as error:
            raise self._lost(name, error) from None

    def _part(self, name: str, start: int, stop: int) -> bytes:
        try:
            return self._store.part(f"{self._prefix}{name}", start, stop)
        except LakeError as error:
            raise self._lost(name, error) from None

    def _allow(self, name: str) -> None:
        entry = self.manifest.files.get(name)
        if entry is not None and entry.size > self._most:
            raise ReleaseError(
                f"{name} of release {self.manifest.id} has {entry.size:,} bytes, at most {self._most:,} are read.",
                hint="PRICEWRIGHT_MOST_FILE_BYTES sets the limit, which the memory must hold.",
            )

    def _lost(self, name: str, error: LakeError) -> ReleaseError:
        return ReleaseError(f"{name} of release {self.manifest.id} cannot be read: {error.message}")


def open_artifacts(store: Store, prefix: str, source: str, release: str = "", most: int = MOST_FILE) -> Artifacts:
    """The release below a prefix, whose files have at most this many bytes.

    Raises ReleaseError when it is not there, or is not the one of this id.
    """

    def read(name: str) -> bytes:
        return store.read(f"{prefix}{name}", most)

    ahead = {name: Ahead(partial(read, name)) for name in AHEAD} if store.far else {}
    try:
        manifest = Manifest.from_json(store.read(f"{prefix}{MANIFEST}", MOST_BYTES))
    except LakeError as error:
        raise ReleaseError(f"release {release or prefix} cannot be read: {error.message}") from None
    if release and manifest.id != release:
        raise ReleaseError(f"release {release} has the manifest of {manifest.id}: it was copied or altered.")
    return Artifacts(store, prefix, manifest, source, ahead, most)
