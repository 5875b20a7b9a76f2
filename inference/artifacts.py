"""The files of a release, each checked against the manifest before anybody uses it."""

import threading
from collections.abc import Callable, Mapping
from functools import partial

from demand.errors import LakeError, PricewrightError, ReleaseError
from demand.release.manifest import CATALOG, MANIFEST, MODELS, Manifest
from inference.store import Store

AHEAD = (CATALOG, f"{MODELS[0]}.onnx")  # what every answer needs: read while the manifest still comes


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
        self, read: Callable[[str], bytes], manifest: Manifest, source: str, ahead: Mapping[str, Ahead]
    ) -> None:
        self.manifest = manifest
        self.source = source
        self._read = read
        self._ahead = dict(ahead)

    def read(self, name: str) -> bytes:
        """A file's bytes. Raises ReleaseError when it is missing or not what the manifest says."""
        try:
            early = self._ahead.pop(name, None)
            body = early.result() if early else self._read(name)
        except LakeError as error:
            raise ReleaseError(f"{name} of release {self.manifest.id} cannot be read: {error.message}") from None
        self.manifest.check(name, body)
        return body


def open_artifacts(store: Store, prefix: str, source: str, release: str = "") -> Artifacts:
    """The release below a prefix. Raises ReleaseError when it is not there, or is not the one of this id."""

    def read(name: str) -> bytes:
        return store.read(f"{prefix}{name}")

    ahead = {name: Ahead(partial(read, name)) for name in AHEAD}
    try:
        manifest = Manifest.from_json(read(MANIFEST))
    except LakeError as error:
        raise ReleaseError(f"release {release or prefix} cannot be read: {error.message}") from None
    if release and manifest.id != release:
        raise ReleaseError(f"release {release} has the manifest of {manifest.id}: it was copied or altered.")
    return Artifacts(read, manifest, source, ahead)
