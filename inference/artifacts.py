"""The files of a release, each checked against the manifest before anybody uses it."""

from collections.abc import Callable

from demand.errors import LakeError, ReleaseError
from demand.release.manifest import MANIFEST, Manifest
from inference.store import Store


class Artifacts:
    """Reads the files of one release; `source` says whether they come from the lake or the image."""

    def __init__(self, read: Callable[[str], bytes], manifest: Manifest, source: str) -> None:
        self.manifest = manifest
        self.source = source
        self._read = read

    def read(self, name: str) -> bytes:
        """A file's bytes. Raises ReleaseError when it is missing or not what the manifest says."""
        try:
            body = self._read(name)
        except LakeError as error:
            raise ReleaseError(f"{name} of release {self.manifest.id} cannot be read: {error.message}") from None
        self.manifest.check(name, body)
        return body


def open_artifacts(store: Store, prefix: str, source: str, release: str = "") -> Artifacts:
    """The release below a prefix. Raises ReleaseError when it is not there, or is not the one of this id."""

    def read(name: str) -> bytes:
        return store.read(f"{prefix}{name}")

    try:
        manifest = Manifest.from_json(read(MANIFEST))
    except LakeError as error:
        raise ReleaseError(f"release {release or prefix} cannot be read: {error.message}") from None
    if release and manifest.id != release:
        raise ReleaseError(f"release {release} has the manifest of {manifest.id}: it was copied or altered.")
    return Artifacts(read, manifest, source)
