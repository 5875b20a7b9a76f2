"""Channels: the pointers that say which release is served, and what each served before."""

import json
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from blocks.lake import Blob, Lake
from blocks.lease import Clock, held
from pricewright.core.errors import ChannelConflict, LakeError, ParameterError, PricewrightError, ReleaseError
from pricewright.core.manifest import MANIFEST, release_key

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")
REMEMBERED = 50  # releases that a pointer knows to have been served; 9 kB
WARM = timedelta(hours=1)  # functions that answer from the release before follow within 30 s


@dataclass(frozen=True)
class Step:
    """A release that a channel served: since when (UTC, ISO 8601), by whom, with which manifest and decision."""

    release: str
    promoted_at: str
    promoted_by: str
    manifest: str = ""
    approval: str = ""


@dataclass(frozen=True)
class Pointer:
    """Which release a channel serves, which one it served before, and who moved it when (UTC, ISO 8601).

    `manifest`: digest of the release's manifest as it was seen; `approval`: nonce of the decision that let it in, empty
    without one; `served`: what was served before, the latest first. Pointers from before there were any lack them.
    """

    release: str
    previous: str | None
    promoted_at: str
    promoted_by: str
    manifest: str = ""
    approval: str = ""
    served: tuple[Step, ...] = ()

    @property
    def step(self) -> Step:
        """What this pointer becomes in the history of the next."""
        return Step(self.release, self.promoted_at, self.promoted_by, self.manifest, self.approval)

    @property
    def history(self) -> tuple[Step, ...]:
        """All that is known to have been served before, the latest first."""
        return self.served or ((Step(self.previous, "", ""),) if self.previous else ())

    @property
    def guarded(self) -> bool:
        """Whether a decision ever moved the channel: from then on it needs one."""
        return any(step.approval for step in (self.step, *self.history))


@dataclass(frozen=True)
class Seen:
    """The pointer as somebody saw it; None while nothing was promoted."""

    pointer: Pointer | None
    blob: Blob | None

    @property
    def release(self) -> str | None:
        """The release that was served then."""
        return self.pointer.release if self.pointer else None


class Channel:
    """`channels/<name>.json`; it never points to a release that the lake does not hold."""

    def __init__(self, lake: Lake, name: str = "production") -> None:
        """Raises ParameterError for a name that could be a path to another folder."""
        if not NAME.fullmatch(name):
            raise ParameterError(f"channel {name[:80]!r}: letters, digits, - and _ are needed.")
        self.name = name
        self._lake = lake
        self._key = f"channels/{name}.json"

    def see(self) -> Seen:
        """The pointer, as a promotion must see it before it begins. Raises LakeError when it is not a pointer."""
        blob = self._lake.find(self._key)
        return Seen(self._parse(blob), blob)

    def read(self) -> Pointer | None:
        """The pointer, or None while nothing was promoted. Raises LakeError when it is not a pointer."""
        return self.see().pointer

    def point(
        self,
        release: str,
        by: str,
        now: datetime,
        seen: Seen | None = None,
        manifest: str = "",
        approval: str = "",
    ) -> Pointer:
        """Serve a release from now on; the one served so far becomes `previous`. No change when it is served.

        seen: the pointer when this promotion began; if somebody moved it since, that one has won. manifest, approval:
        see Pointer.
        Raises ReleaseError for a release the lake does not hold, or that was removed meanwhile: then the channel is
        where it was; ChannelConflict when somebody else moved it.
        """
        before = seen or self.see()
        if before.release == release:
            return self._still(release, before)
        if self._lake.find(release_key(release, MANIFEST)) is None:
            raise ReleaseError(f"the lake {self._lake.url} has no release {release}.", hint="see pricewright releases.")
        served = (before.pointer.step, *before.pointer.history)[:REMEMBERED] if before.pointer else ()
        pointer = Pointer(release, before.release, f"{now:%Y-%m-%dT%H:%M:%SZ}", by, manifest, approval, served)
        try:
            self._lake.swap(self._key, before.blob, json.dumps(asdict(pointer), indent=2).encode() + b"\n")
        except ChannelConflict:
            # Also when the reply to our own write was lost and the write was tried again: then it is served.
            pointer = self._still(release, before)
        except LakeError:  # it may have been done
            with suppress(PricewrightError):
                self._take_back_unless_there(pointer, before)
            raise
        self._take_back_unless_there(pointer, before)
        return pointer

    def move(
        self, release: str, by: str, clock: Clock, look: Callable[[], tuple[str, str]], seen: Seen | None = None
    ) -> Pointer:
        """Hold a release, look at it, then serve it: `look` raises what speaks against it, else gives the digest of its
        manifest and the nonce of the decision, see Pointer. Raises as point does, and ReleaseInUse.

        Whoever was suspended between looking and pointing is safe too: a promotion moves the pointer, then looks
        whether the manifest is there; retention removes the manifest, then looks whether a pointer came. One of them
        sees the other, and takes back what it did.
        """
        before = seen or self.see()
        with held(self._lake, release, by, clock) as hold:
            manifest, approval = look()
            self._lake.flush(release_key(release))
            hold.check()
            return self.point(release, by, clock(), before, manifest, approval)

    def _take_back_unless_there(self, pointer: Pointer, before: Seen) -> None:
        """Serve what was served before, when the release went while the pointer moved."""
        if self._lake.find(release_key(pointer.release, MANIFEST)) is not None:
            return
        at = self.see()
        if at.pointer == pointer and at.blob is not None:
            if before.blob is None:
                self._lake.remove(self._key)
            else:
                self._lake.swap(self._key, at.blob, before.blob.body)
        raise ReleaseError(
            f"release {pointer.release} was removed while it was promoted; channel {self.name} serves what it did "
            "before.",
            hint="see pricewright releases; make this one once more where it is needed.",
        )

    def previous(self, seen: Seen) -> str:
        """The release that was served before the present one. Raises ReleaseError when there was none."""
        if seen.pointer is None or seen.pointer.previous is None:
            raise ReleaseError(
                f"channel {self.name} has no previous release.", hint="name one: see pricewright releases."
            )
        return seen.pointer.previous

    def step(self, seen: Seen, release: str) -> Step:
        """When a release was served before, the last time. Raises ReleaseError for one that never was."""
        steps = (seen.pointer.step, *seen.pointer.history) if seen.pointer else ()
        found = next((step for step in steps if step.release == release), None)
        if found is None:
            raise ReleaseError(
                f"channel {self.name} never served {release}: a roll-back goes to what was served before.",
                hint="promote it, or roll back with a signed decision about it: --approval.",
            )
        return found

    def _still(self, release: str, before: Seen) -> Pointer:
        """The pointer, if it is at this release now. Raises ChannelConflict, which names the winner."""
        winner = self.read()
        if winner and winner.release == release:
            return winner
        who = f"to {winner.release} by {winner.promoted_by} at {winner.promoted_at}" if winner else "away"
        raise ChannelConflict(
            f"{release} is not served: another writer moved channel {self.name} {who}, while it served "
            f"{before.release or 'nothing'} when this promotion began.",
            hint="look at what is served now (pricewright releases), then decide whether to promote it again.",
        )

    def _parse(self, blob: Blob | None) -> Pointer | None:
        if blob is None:
            return None
        try:
            content = json.loads(blob.body)
            served = tuple(Step(**step) for step in content.pop("served", ()))
            return Pointer(**content, served=served)
        except (ValueError, TypeError, AttributeError, RecursionError) as error:
            raise LakeError(f"{self._lake.url}/{self._key} is not a channel pointer: {error}") from None


def channels(lake: Lake) -> list[str]:
    """Names of the lake's channels; a file that a killed writer left beside them is not one."""
    names = (key.removeprefix("channels/") for key in lake.list("channels"))
    return sorted(name.removesuffix(".json") for name in names if name.endswith(".json") and name[0] != ".")


def pointed(lake: Lake) -> set[str]:
    """The releases that any channel serves, or served before and may roll back to."""
    pointers = [Channel(lake, name).read() for name in channels(lake)]
    return {release for one in pointers if one for release in (one.release, one.previous) if release}


def needed(lake: Lake, now: datetime) -> set[str]:
    """What retention leaves: what channels point to, and what they served until less than WARM ago.

    A warm function answers from that until it looks at the pointer, and may still read files of it.
    """
    found = set()
    for name in channels(lake):
        pointer = Channel(lake, name).read()
        later = pointer.step if pointer else None
        for step in pointer.history if pointer else ():
            if later is not None and _since(later, now) < WARM:
                found.add(step.release)
            later = step
    return found | pointed(lake)


def _since(step: Step, now: datetime) -> timedelta:
    """How long a release has been served; for ever, where nobody wrote down since when."""
    try:
        return now - datetime.fromisoformat(step.promoted_at)
    except (TypeError, ValueError):
        return timedelta.max
