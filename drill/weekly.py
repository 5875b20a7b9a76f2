"""Weekly runs on the platform, one after the other, each with a new delivery."""

import os
import signal
import subprocess
import sys
import threading
import time
from typing import Any, Self

import polars as pl

from drill.machine import until
from testing.checkout import COMMAND
from testing.weekly_shop import WeeklyShop

LONGEST_RUN = 1200.0  # of a weekly run, on a machine that has other work
BEGUN = "Beginning flow run"  # Prefect says so


class Weekly:
    """Weekly runs on the platform, each with a new delivery, until it is told to stop; use it as a context."""

    def __init__(self, shop: WeeklyShop, store: str, late_by: int) -> None:
        self._shop, self._store = shop, store
        self._log = shop.root / "weekly.log"
        self._coming = shop.weeks[-late_by:]
        self._over = threading.Event()
        self._process: Any = None
        self._thread = threading.Thread(target=self._work)
        self._before = 0  # flows that had begun when this run was started
        self.ends: list[int] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        """The run that is at work comes to its end, unless the drill itself was broken off."""
        self._over.set()
        if kind is not None:
            self._end()
        self._thread.join()

    def run(self) -> int:
        """One, to its end."""
        arguments = ("run", "--source", "exports", "--store", self._store, "--param", "promote.keep_releases=100")
        command, checkout = [sys.executable, "-c", COMMAND, *arguments], self._shop.checkout
        self._before = self._begun
        with self._log.open("ab") as log:
            own: dict[str, Any] = {"cwd": checkout.root, "env": checkout.environment, "stdout": log, "stderr": log}
            self._process = subprocess.Popen(command, start_new_session=True, **own)  # noqa: S603
            code = int(self._process.wait())
        self._process = None
        return code

    def kill(self, later: float) -> None:
        """kill -9 of the run that is at work, so many seconds from now; waits until its flow has begun."""
        killed = False
        while not killed:
            until(lambda: self._process is not None and self._begun > self._before, "a flow to begin", LONGEST_RUN)
            time.sleep(later)
            killed = self._end()

    def _end(self) -> bool:
        process = self._process
        if process is None or process.poll() is not None:
            return False
        os.killpg(process.pid, signal.SIGKILL)  # a session of its own: the run and what it started
        return True

    @property
    def _begun(self) -> int:
        """Flow runs so far."""
        return self._log.read_text(errors="replace").count(BEGUN) if self._log.exists() else 0

    def _work(self) -> None:
        while not self._over.is_set():
            if self._coming:
                self._shop.deliver(self._coming.pop(0))
            else:  # what the newest week sold changes once more
                week = self._shop.weeks[-1]
                lines = self._shop.of(week).with_columns(pl.col("Quantity") * (2 + len(self.ends)))
                lines.write_parquet(self._shop.source / f"{week}.parquet")
            self.ends.append(self.run())
            self._over.wait(1)
