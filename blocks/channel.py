"""Channels (the pointers that say which release is served) and leases (who needs a release right now)."""

import json
import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from blocks.lake import Blob, Lake
from pricewright.core.errors import ChannelConflict, LakeError, ParameterError, ReleaseError
from pricewright.core.manifest import MANIFEST, release_key

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")
REMEMBERED = 50  # releases that a pointer knows to have been served; 9 kB
LASTS = timedelta(hours=1)  # a promotion takes seconds
Clock = Callable[[], datetime]
State = dict[str, Any]


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
        """Raises ParameterError for a name that could be a way to another place."""
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
        Raises ReleaseError for a release the lake does not hold, ChannelConflict when somebody else moved it.
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
            return self._still(release, before)
        return pointer

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


class ReleaseInUse(ReleaseError):
    """Somebody else holds or removes the release."""


class Lease:
    """A hold on a release, or its condemnation, that somebody has."""

    def __init__(self, lake: Lake, release: str, by: str, clock: Clock) -> None:
        self._lake = lake
        self._key = f"holds/{release}.json"
        self._release = release
        self._by = by
        self._clock = clock
        self._id = uuid.uuid4().hex
        self._taken = clock()

    def check(self) -> None:
        """Raise ReleaseInUse when so much time went by that somebody else may act on the release now."""
        if self._clock() > self._taken + LASTS / 2:
            raise ReleaseInUse(
                f"release {self._release} was held since {self._taken:%H:%M} UTC, longer than {LASTS / 2} is not safe.",
                hint="try again.",
            )

    def take(self) -> None:
        """Hold it, beside others. Raises ReleaseInUse while it is condemned."""

        def change(state: State) -> State:
            if self._running(state["condemned"]):
                raise ReleaseInUse(
                    f"release {self._release} is being removed by {state['condemned']['by']}.",
                    hint="retention keeps the newest ones: pricewright releases, or make this one once more.",
                )
            return {"holders": self._alive(state) | {self._id: self._mark()}, "condemned": None}

        self._update(change)

    def leave(self) -> None:
        """Hold it no more; where the lake does not answer, the hold runs out by itself."""
        with suppress(LakeError, ChannelConflict):
            self._update(lambda state: state | {"holders": self._alive(state, but=self._id)})

    def mark_for_deletion(self) -> None:
        """Be the only one to act on it. Raises ReleaseInUse while anybody else holds or removes it."""

        def change(state: State) -> State:
            others = [*self._alive(state).values(), state["condemned"]]
            busy = next((mark for mark in others if self._running(mark)), None)
            if busy:
                raise ReleaseInUse(f"release {self._release} is held by {busy['by']} until {busy['until']}.")
            return {"holders": {}, "condemned": self._mark()}

        self._update(change)

    def unmark(self) -> None:
        """Condemn it no more."""
        with suppress(LakeError, ChannelConflict):
            if self._lake.find(self._key) is not None:
                self._update(lambda state: state | {"condemned": None})

    def forget(self) -> None:
        """The release is gone; only who condemned it may do this, because nobody else can hold it meanwhile."""
        self._lake.remove(self._key)

    def _mark(self) -> dict[str, str]:
        self._taken = self._clock()
        return {"by": self._by, "until": (self._taken + LASTS).astimezone(UTC).isoformat(timespec="seconds")}

    def _running(self, mark: Any) -> bool:
        return bool(mark) and datetime.fromisoformat(mark["until"]) > self._clock()

    def _alive(self, state: State, but: str = "") -> State:
        return {name: mark for name, mark in state["holders"].items() if name != but and self._running(mark)}

    def _update(self, change: Callable[[State], State]) -> None:
        def changed(body: bytes | None) -> bytes:
            state = {"holders": {}, "condemned": None} if body is None else json.loads(body)
            return json.dumps(change(state)).encode() + b"\n"

        self._lake.update(self._key, changed)


@contextmanager
def held(lake: Lake, release: str, by: str, clock: Clock) -> Iterator[Lease]:
    """Hold a release for as long as the context lasts. Raises ReleaseInUse while it is being removed."""
    lease = Lease(lake, release, by, clock)
    lease.take()
    try:
        yield lease
    finally:
        lease.leave()


@contextmanager
def marked_for_deletion(lake: Lake, release: str, by: str, clock: Clock) -> Iterator[Lease]:
    """Be the only one to act on a release. Raises ReleaseInUse while somebody else does."""
    lease = Lease(lake, release, by, clock)
    lease.mark_for_deletion()
    try:
        yield lease
    finally:
        lease.unmark()
