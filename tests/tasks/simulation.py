"""Promotions, roll-backs and retention on one lake, each stopped before every call to it; whoever steps them decides
what comes next, who dies and whose reply is lost. And the history that came of it, checked for linearizability."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

from blocks.channel import Channel, Seen
from blocks.lake import Blob, Lake
from pricewright.core.errors import LakeError, PricewrightError
from pricewright.core.manifest import MANIFEST, FileEntry, Manifest, release_key
from tasks.releases import look_over
from tasks.retention import retain

PATIENCE = 20.0  # seconds for a call to the lake; one that takes longer is a defect of this file


class Killed(BaseException):
    """The process ends here, and nothing that it would still do happens."""


class Stepped(Lake):
    """A lake that asks its actor before each call."""

    actor: "Actor"

    def find(self, key: str) -> Blob | None:
        return self.actor.turn(lambda: super(Stepped, self).find(key))

    def swap(self, key: str, expected: Blob | None, body: bytes) -> None:
        self.actor.turn(lambda: super(Stepped, self).swap(key, expected, body), writes=True)

    def write_new(self, key: str, body: bytes) -> None:
        self.actor.turn(lambda: super(Stepped, self).write_new(key, body), writes=True)

    def remove(self, *keys: str) -> None:
        for key in keys:
            self.actor.turn(lambda key=key: super(Stepped, self).remove(key), writes=True)

    def list(self, prefix: str) -> dict[str, int]:
        return self.actor.turn(lambda: super(Stepped, self).list(prefix))

    def flush(self, prefix: str) -> None:
        """The disk is not simulated."""


class Actor:
    """Somebody who works on the lake in a thread that runs only when stepped. `writes`: whether its next call changes
    the lake; `outcome`: what came of it, when done."""

    def __init__(self, lake: Stepped, work: Callable[[Stepped], Any], started: datetime) -> None:
        lake.actor = self
        self.started, self.outcome, self.done, self.dead = started, None, False, False
        self._order, self.writes = "", False
        self._go, self._stopped = threading.Semaphore(0), threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run, args=(lake, work), daemon=True)
        self._thread.start()
        self._wait()

    def step(self, order: str = "go") -> None:
        """Let it do its next call; `kill`: it dies instead; `lose`: the call is done, and its reply lost."""
        if not self.done:
            self._order = order
            self._go.release()
            self._wait()

    def run(self) -> None:
        """Let it work to its end."""
        while not self.done:
            self.step()

    def turn(self, call: Callable[[], Any], *, writes: bool = False) -> Any:
        """Do a call to the lake, when it is this actor's turn."""
        self.writes = writes
        if not self.dead:
            self._stopped.release()
            self._go.acquire()
        if self.dead or self._order == "kill":
            self.dead = True
            raise Killed
        found = call()
        if self._order == "lose":
            raise LakeError("the reply was lost")
        return found

    def _run(self, lake: Stepped, work: Callable[[Stepped], Any]) -> None:
        try:
            self.outcome = work(lake)
        except (PricewrightError, Killed) as error:
            self.outcome = error
        except Exception as error:  # noqa: BLE001  shown where the outcome is judged
            self.outcome = AssertionError(f"{type(error).__name__} {error}")
        self.done = True
        self._stopped.release()

    def _wait(self) -> None:
        assert self._stopped.acquire(timeout=PATIENCE)


def write_small(lake: Lake, number: int) -> str:
    """A release of two tiny files; a higher number is a newer one."""
    bodies = {"catalog.npz": bytes([number]) * 3, "network.onnx": bytes([number])}
    created = f"2011-12-{number + 1:02d}T00:00:00Z"
    files = {name: FileEntry.of(body) for name, body in bodies.items()}
    manifest = Manifest(files, "2011-W48", created, {}, {}, {}).with_seal()
    for name, body in (*bodies.items(), (MANIFEST, manifest.to_json())):
        lake.write_new(release_key(manifest.id, name), body)
    return manifest.id


def promote(lake: Lake, channel: Channel, seen: Seen, release: str, by: str, clock: Callable[[], datetime]) -> Any:
    """As promote_release and roll_back_release do, without asking for prices."""
    return channel.move(release, by, clock, lambda: (look_over(lake, release).digest, ""), seen)


def keep(lake: Lake, clock: Callable[[], datetime]) -> list[str]:
    """Retention of one release beside those that are needed."""
    return retain(lake, 1, "retention", clock)


State = tuple[tuple[str, str], ...]  # what is served and was served, the latest first: release, and by whom


@dataclass(frozen=True)
class Op:
    """A call on the pointer from `start` to `end` in steps. read: `value` was seen. swap: from the state `seen` to
    `value` by `by`; `sure` that it was done. undo: the swap by `by` is taken back, if it was done."""

    kind: str
    start: int
    end: float
    by: str = ""
    value: str | None = None
    seen: tuple[str, str] | None = None
    sure: bool = True

    def after(self, state: State) -> list[State]:
        """The states that may follow when it takes effect now; none where it cannot have been so."""
        if self.kind == "read":
            return [state] if (state[0][0] if state else None) == self.value else []
        if self.kind == "undo":
            return [state[1:]] if state and state[0][1] == self.by else [] if self.sure else [state]
        fits = (state[0] if state else None) == self.seen
        done = [((str(self.value), self.by), *state)] if fits else []
        return done if self.sure else [*done, state]


def is_linearizable(history: Sequence[Op]) -> bool:
    """Whether there is an order of the calls, each between its start and its end, that explains what each saw.

    Wing and Gong (1993), J. Parallel and Distributed Computing 17:164, with what was tried before remembered.
    """

    @cache
    def explains(left: frozenset[int], state: State) -> bool:
        if not left:
            return True
        first_end = min(history[i].end for i in left)
        return any(
            explains(left - {i}, following)
            for i in left
            if history[i].start <= first_end
            for following in history[i].after(state)
        )

    return explains(frozenset(range(len(history))), ())


class Clock:
    """The present, which moves when somebody moves it."""

    def __init__(self) -> None:
        self.now = datetime(2011, 12, 12, 6, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)


class Begun(NamedTuple):
    """An actor that moves the pointer, and what it saw when it began."""

    actor: Actor
    start: int
    by: str
    release: str
    seen: tuple[str, str] | None
