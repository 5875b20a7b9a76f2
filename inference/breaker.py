"""A circuit breaker: what failed is left alone for a while, and then tried again."""

import time
from collections.abc import Callable


class Breaker:
    """Remembers by name what failed, why, and until when it rests. `clock` gives seconds that only rise."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._resting: dict[str, tuple[float, str]] = {}

    def why_resting(self, name: str) -> str:
        """Why a name rests now; empty when it may be tried."""
        entry = self._resting.get(name)
        if entry is None or self._clock() >= entry[0]:
            return ""
        return f"resting for {entry[0] - self._clock():.0f} s after: {entry[1]}"

    def failed(self, name: str, why: str) -> None:
        """Let a name rest."""
        self._resting[name] = (self._clock() + self._seconds, why)

    def worked(self, name: str) -> None:
        """Forget that a name failed."""
        self._resting.pop(name, None)
