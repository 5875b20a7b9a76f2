"""Leases: who needs a release right now, and who removes it, in `holds/<release>.json` of the lake."""

import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from blocks.lake import Lake
from pricewright.core.errors import ChannelConflict, LakeError, ReleaseError

LASTS = timedelta(hours=1)  # a promotion takes seconds
REMOVAL = timedelta(minutes=10)  # as long a killed removal keeps others from the release
Clock = Callable[[], datetime]
State = dict[str, Any]
NOBODY: State = {"holders": {}, "condemned": None}


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
        self._lasts = LASTS

    def check(self) -> None:
        """Raise ReleaseInUse when so much time went by that somebody else may act on the release now."""
        if self._clock() > self._taken + self._lasts / 2:
            raise ReleaseInUse(
                f"release {self._release} was held since {self._taken:%H:%M} UTC, longer than {self._lasts / 2} is not "
                "safe.",
                hint="try again.",
            )

    def take(self) -> None:
        """Hold it, beside others. Raises ReleaseInUse while it is condemned.

        A hold that cannot be read is no reason not to serve a release: it is written anew.
        """

        def change(state: State | None) -> State:
            state = state or NOBODY
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
            self._update(lambda state: state and state | {"holders": self._alive(state, but=self._id)})

    def mark_for_deletion(self) -> None:
        """Be the only one to act on it. Raises ReleaseInUse while anybody else holds or removes it, or may do so."""
        self._lasts = REMOVAL

        def change(state: State | None) -> State:
            if state is None:
                raise ReleaseInUse(
                    f"who holds release {self._release} cannot be read.", hint=f"remove {self._key} of the lake."
                )
            others = [*self._alive(state).values(), state["condemned"]]
            busy = next((mark for mark in others if self._running(mark) and not self._ours(mark)), None)
            if busy:
                raise ReleaseInUse(f"release {self._release} is held by {busy['by']} until {busy['until']}.")
            return {"holders": {}, "condemned": self._mark()}

        self._update(change)

    def unmark(self) -> None:
        """Condemn it no more; where the lake does not answer, the mark runs out by itself."""

        def change(state: State | None) -> State | None:
            return state | {"condemned": None} if state and self._ours(state["condemned"]) else None

        with suppress(LakeError, ChannelConflict):
            self._update(change)

    def forget(self) -> None:
        """The release is gone; only who condemned it may do this, because nobody else can hold it meanwhile."""
        self._lake.remove(self._key)

    def _mark(self) -> dict[str, str]:
        self._taken = self._clock()
        until = (self._taken + self._lasts).astimezone(UTC).isoformat(timespec="seconds")
        return {"by": self._by, "until": until, "id": self._id}

    def _ours(self, mark: Any) -> bool:
        """Whether the mark is this lease's own: written before, and the reply lost."""
        return bool(mark) and mark.get("id") == self._id

    def _running(self, mark: Any) -> bool:
        return bool(mark) and datetime.fromisoformat(mark["until"]) > self._clock()

    def _alive(self, state: State, but: str = "") -> State:
        return {name: mark for name, mark in state["holders"].items() if name != but and self._running(mark)}

    def _update(self, change: Callable[[State | None], State | None]) -> None:
        """Change who holds and who removes; `change` gets None where that cannot be read, gives None to leave it."""

        def changed(body: bytes | None) -> bytes | None:
            state = change(dict(NOBODY) if body is None else _state(body))
            return None if state is None or (body is None and state == NOBODY) else json.dumps(state).encode() + b"\n"

        self._lake.update(self._key, changed)


def _state(body: bytes) -> State | None:
    """Who holds and who removes; None for what is no such state."""
    try:
        state = json.loads(body)
        for mark in [*state["holders"].values(), *filter(None, [state["condemned"]])]:
            if datetime.fromisoformat(mark["until"]).tzinfo is None or not isinstance(mark["by"], str):
                return None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    found: State = state
    return found


@contextmanager
def held(lake: Lake, release: str, by: str, clock: Clock) -> Iterator[Lease]:
    """Hold a release for as long as the context lasts. Raises ReleaseInUse while it is being removed."""
    lease = Lease(lake, release, by, clock)
    try:
        lease.take()  # within: whose reply was lost may have been done
        yield lease
    finally:
        lease.leave()


@contextmanager
def marked_for_deletion(lake: Lake, release: str, by: str, clock: Clock) -> Iterator[Lease]:
    """Be the only one to act on a release. Raises ReleaseInUse while somebody else does."""
    lease = Lease(lake, release, by, clock)
    try:
        lease.mark_for_deletion()
        yield lease
    finally:
        lease.unmark()
