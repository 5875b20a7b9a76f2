"""Which release is served: the one the channel names, the one before if it cannot be loaded, or the image's."""

import json
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from inference.artifacts import Artifacts, open_artifacts
from inference.cache import Breaker
from inference.catalog import Catalog
from inference.models import Models
from inference.settings import Settings
from inference.store import FolderStore, Store, open_store
from pricewright.core.blocks import DamagedFile
from pricewright.core.errors import LakeError, PricewrightError, ReleaseError
from pricewright.core.manifest import CATALOG, HISTORY, is_id, need_id, release_key
from pricewright.core.models import LIST_MODEL, NETWORK


class Release(NamedTuple):
    """What one release needs to answer; models are opened when they are asked."""

    id: str
    artifacts: Artifacts
    catalog: Catalog
    models: Models
    breaker: Breaker

    @property
    def tiers(self) -> tuple[str, ...]:
        """Who answers, in this order: the release's models, and last its price list, which cannot fail."""
        return (*self.catalog.models, LIST_MODEL)

    @property
    def source(self) -> str:
        """`lake`, or `image` for the one baked in."""
        return self.artifacts.source


def load(artifacts: Artifacts, settings: Settings, clock: Callable[[], float], *, thorough: bool) -> Release:
    """Read what the first answer needs; all of it, and the network too, where a release that works is to give way.

    Raises PricewrightError when a file is missing, altered or cannot be used.
    """
    try:
        catalog = Catalog(artifacts.arrays(CATALOG), lambda: artifacts.arrays(HISTORY))
        models = Models(artifacts, catalog, settings.model_seconds)
        if thorough:
            catalog.check()
            models.open(NETWORK)
    except PricewrightError:
        raise
    except Exception as error:  # whatever is in it, the release that works goes on
        raise ReleaseError(f"release {artifacts.manifest.id} cannot be used: {type(error).__name__} {error}") from error
    return Release(artifacts.manifest.id, artifacts, catalog, models, Breaker(settings.retry_seconds, clock))


class Served:
    """Follows a channel: one request in every `refresh_seconds` asks whether the pointer has moved."""

    def __init__(
        self, settings: Settings, store: Store | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._settings = settings
        self._store = store or (open_store(settings) if settings.store else None)
        self._clock = clock
        self._lock = threading.Lock()
        self._release: Release | None = None
        self._tag = ""
        self._next = -1.0
        self.trouble = ""  # why the release is not the one that the channel points to, or may not be

    def current(self) -> Release:
        """The release to answer from; raises ReleaseError when there is none at all."""
        release = self._release
        if release is not None and self._clock() < self._next:
            return release
        if self._lock.acquire(blocking=release is None):  # one asks, the others go on with what there is
            try:
                if self._release is None or self._clock() >= self._next:
                    self._refresh()
                    self._next = self._clock() + self._settings.refresh_seconds
            finally:
                self._lock.release()
        if self._release is None:
            raise ReleaseError(f"there is no release to answer from: {self.trouble}", hint="pricewright doctor.")
        return self._release

    def leave(self, release: Release, error: DamagedFile) -> bool:
        """Serve another release than this one, of which a part is damaged: whether there is another."""
        with self._lock:
            if self._release is release:
                self._release, self._tag, self.trouble = None, "", error.message
                self._next = self._clock() + self._settings.refresh_seconds
                self._take_baked(unlike=release)
            return self._release is not None

    def _refresh(self) -> None:
        self.trouble = ""
        try:
            self._follow()
        except PricewrightError as error:
            self.trouble = error.message
        if self._release is None:
            self._take_baked()

    def _follow(self) -> None:
        """Load the release that the channel points to, if it is another one than is served."""
        wanted, tag = self._settings.release, ""
        if self._store is None:
            raise LakeError("no lake is configured (PRICEWRIGHT_STORE is empty).")
        if not wanted:
            pointer = f"channels/{self._settings.channel}.json"
            seen = self._store.changed(pointer, self._tag)
            if seen is None:
                return
            wanted, tag = _release_of(pointer, seen[0]), seen[1]
        need_id(wanted)
        if self._release is None or (self._release.id, self._release.source) != (wanted, "lake"):
            most = self._settings.most_file_bytes
            artifacts = open_artifacts(self._store, release_key(wanted) + "/", "lake", wanted, most)
            self._release = load(artifacts, self._settings, self._clock, thorough=self._release is not None)
        self._tag = tag

    def _take_baked(self, unlike: Release | None = None) -> None:
        folder = self._settings.baked_release
        if not folder or (unlike is not None and unlike.source == "image"):
            return
        try:
            artifacts = open_artifacts(FolderStore(folder), "", "image", most=self._settings.most_file_bytes)
            self._release = load(artifacts, self._settings, self._clock, thorough=False)
        except PricewrightError as error:
            self.trouble += f" And the release in the image: {error.message}"


def _release_of(pointer: str, body: bytes) -> str:
    try:
        release = json.loads(body)["release"]
    except (ValueError, KeyError, TypeError, RecursionError):
        release = None
    if not isinstance(release, str) or not is_id(release):
        raise ReleaseError(f"{pointer} is not a pointer to a release: {body[:80]!r}.")
    return release
