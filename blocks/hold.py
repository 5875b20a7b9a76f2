"""Holds: who needs a release right now, so that retention never removes one that a channel is about to point to.

A promotion reads a release, then moves a pointer; retention reads the pointers, then removes releases. Looking before
acting is not enough for either: the other may act in between. So both first say so in one object per release,
`holds/<release>.json`, which changes by compare-and-swap alone:

1. Whoever uploads or is going to point to a release holds it. Several may; nobody can while it is condemned, and then
   nothing has been moved yet.
2. Retention condemns a release, which it cannot while somebody holds it.
3. Only then does it read the pointers. A promotion that ended before is seen there; one that begins later is refused.
4. It removes the manifest first: without one the release is not there, whatever else is left. A kill in between
   leaves files without a manifest, which the next retention takes away in the same manner.

Holds run out by themselves, because a process can be killed. Whoever holds one acts in the first half of its time
only, so that the clocks of two machines may differ by the other half.
"""

import json
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from blocks.lake import Lake
from pricewright.core.errors import ChannelConflict, LakeError, ReleaseError

LASTS = timedelta(hours=1)  # a promotion takes seconds
ATTEMPTS = 50
Clock = Callable[[], datetime]
State = dict[str, Any]


class ReleaseInUse(ReleaseError):
    """Somebody else holds or removes the release."""


class Hold:
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

    def condemn(self) -> None:
        """Be the only one to act on it. Raises ReleaseInUse while anybody else holds or removes it."""

        def change(state: State) -> State:
            others = [*self._alive(state).values(), state["condemned"]]
            busy = next((mark for mark in others if self._running(mark)), None)
            if busy:
                raise ReleaseInUse(f"release {self._release} is held by {busy['by']} until {busy['until']}.")
            return {"holders": {}, "condemned": self._mark()}

        self._update(change)

    def spare(self) -> None:
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
        for attempt in range(1, ATTEMPTS + 1):
            seen = self._lake.find(self._key)
            state = {"holders": {}, "condemned": None} if seen is None else json.loads(seen.body)
            try:
                self._lake.swap(self._key, seen, json.dumps(change(state)).encode() + b"\n")
                return
            except ChannelConflict:
                if attempt == ATTEMPTS:
                    raise
                time.sleep(0.002 * attempt)


@contextmanager
def held(lake: Lake, release: str, by: str, clock: Clock) -> Iterator[Hold]:
    """Hold a release for as long as the context lasts. Raises ReleaseInUse while it is being removed."""
    hold = Hold(lake, release, by, clock)
    hold.take()
    try:
        yield hold
    finally:
        hold.leave()


@contextmanager
def condemned(lake: Lake, release: str, by: str, clock: Clock) -> Iterator[Hold]:
    """Be the only one to act on a release. Raises ReleaseInUse while somebody else does."""
    hold = Hold(lake, release, by, clock)
    hold.condemn()
    try:
        yield hold
    finally:
        hold.spare()
