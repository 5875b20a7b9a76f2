"""A channel of the lake: the pointer that says which release is served, moved by one compare-and-swap."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime

from blocks.lake import Blob, Lake
from demand.errors import LakeError, ReleaseError


@dataclass(frozen=True)
class Pointer:
    """Which release a channel serves, which one it served before, and who moved it when (UTC, ISO 8601)."""

    release: str
    previous: str | None
    promoted_at: str
    promoted_by: str


class Channel:
    """`channels/<name>.json`; it never points to a release that the lake does not hold."""

    def __init__(self, lake: Lake, name: str = "production") -> None:
        self.name = name
        self._lake = lake
        self._key = f"channels/{name}.json"

    def read(self) -> Pointer | None:
        """The pointer, or None while nothing was promoted. Raises LakeError when it is no pointer."""
        return self._parse(self._lake.find(self._key))

    def point(self, release: str, by: str, now: datetime) -> Pointer:
        """Serve a release from now on; the one served so far becomes `previous`. No change when it is served.

        Raises ReleaseError for a release the lake does not hold, ChannelConflict when somebody else moved it.
        """
        seen = self._lake.find(self._key)
        current = self._parse(seen)
        if current and current.release == release:
            return current
        if self._lake.find(f"releases/{release}/manifest.json") is None:
            raise ReleaseError(f"the lake {self._lake.url} has no release {release}.", hint="see pricewright releases.")
        pointer = Pointer(release, current.release if current else None, f"{now:%Y-%m-%dT%H:%M:%SZ}", by)
        self._lake.swap(self._key, seen, json.dumps(asdict(pointer), indent=2).encode() + b"\n")
        return pointer

    def roll_back(self, by: str, now: datetime, release: str = "") -> Pointer:
        """Serve an earlier release again: the given one, or the one served before the present one."""
        current = self.read()
        if not release and (current is None or current.previous is None):
            raise ReleaseError(
                f"channel {self.name} has no previous release.", hint="name one: see pricewright releases."
            )
        return self.point(release or str(current and current.previous), by, now)

    def _parse(self, blob: Blob | None) -> Pointer | None:
        if blob is None:
            return None
        try:
            return Pointer(**json.loads(blob.body))
        except (ValueError, TypeError) as error:
            raise LakeError(f"{self._lake.url}/{self._key} is no channel pointer: {error}") from None


def channels(lake: Lake) -> list[str]:
    """Names of the lake's channels."""
    return sorted(key.removeprefix("channels/").removesuffix(".json") for key in lake.list("channels"))
