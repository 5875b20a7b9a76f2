"""A process that promotes, rolls back or retains in children of its own, each killed before its n-th step at the lake.

Every child is killed by itself, through a lake that counts what is asked of it: before the n-th question is after the
one before, so that walking n walks both sides of every step. Reads a line of JSON per drill, writes its exit status.
"""

import json
import multiprocessing
import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from blocks.lake import Blob, Lake
from pricewright.core.errors import ChannelConflict
from tasks import promote
from tasks.releases import promote_release, roll_back_release
from tasks.retention import retain
from tasks.stage import report_nothing
from tasks.workspace import Workspace


class Mortal(Lake):
    """Lives for so many steps."""

    def __init__(self, url: str, steps: int) -> None:
        super().__init__(url)
        self._left = steps

    def find(self, key: str) -> Blob | None:
        self._step()
        return super().find(key)

    def list(self, prefix: str) -> dict[str, int]:
        self._step()
        return super().list(prefix)

    def write_new(self, key: str, body: bytes) -> None:
        self._step()
        super().write_new(key, body)

    def swap(self, key: str, expected: Blob | None, body: bytes) -> None:
        self._step()
        super().swap(key, expected, body)

    def remove(self, *keys: str) -> None:
        for key in keys:
            self._step()
            super().remove(key)

    def _step(self) -> None:
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self._left -= 1


class Patient(Lake):
    """Having read the channel's pointer for the first time, it waits until all the others have."""

    def __init__(self, url: str, start: Any) -> None:
        super().__init__(url)
        self._start = start

    def find(self, key: str) -> Blob | None:
        found = super().find(key)
        if key.startswith("channels/") and self._start is not None:
            start, self._start = self._start, None
            start.wait(60)
        return found


def act(order: dict[str, Any]) -> None:
    lake = Mortal(order["store"], order["steps"])
    if order["do"] == "promote":
        promote.work(Workspace(Path(order["root"])), report_nothing, lake)
    elif order["do"] == "roll back":
        roll_back_release(lake, "production")
    else:
        retain(lake, 1, "drill", lambda: datetime.now(UTC))


def race(store: str, releases: list[str]) -> list[list[str]]:
    """Each release is promoted by a process of its own, all from the same pointer: release and outcome of each."""
    context = multiprocessing.get_context("fork")
    start, outcomes = context.Barrier(len(releases)), context.SimpleQueue()

    def promote_one(release: str) -> None:
        try:
            promote_release(Patient(store, start), release, "production", 1)
            outcomes.put([release, "won"])
        except ChannelConflict as conflict:
            outcomes.put([release, conflict.message])

    children = [context.Process(target=promote_one, args=(release,)) for release in releases]
    for child in children:
        child.start()
    for child in children:
        child.join()
    return [outcomes.get() for child in children if child.exitcode == 0]


def fork(order: dict[str, Any]) -> int:
    child = os.fork()
    if not child:
        code = 1
        try:
            act(order)
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main() -> None:
    for line in sys.stdin:
        order = json.loads(line)
        answer = race(order["store"], order["releases"]) if order["do"] == "race" else fork(order)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
