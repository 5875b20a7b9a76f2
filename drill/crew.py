"""The crew: a process that has imported everything, and a child of it for each job, which can be killed.

Started once, because the imports take longer than a job: `python -m drill.crew` reads an order a line, and answers
each in a line: the child's pid when it starts, its exit status when it is asked for.
"""

import json
import os
import resource
import subprocess
import sys
import threading
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, cast

from drill.machine import ROOT, kill, until
from drill.work import JOBS, ready

LONGEST = 600.0  # seconds that a job may take, on a busy machine with a lake that is slow


@dataclass
class Job:
    """A child at work."""

    crew: "Crew"
    pid: int
    report: Path
    code: int | None = None

    def ended(self) -> bool:
        """Whether it has come to an end, and how is known."""
        if self.code is None:
            self.code = self.crew.ask({"poll": self.pid})
        return self.code is not None

    def wait(self) -> int:
        """Its exit code; -9 when it was killed. Raises TimeoutError."""
        until(self.ended, "a job to end", LONGEST)
        return cast(int, self.code)

    def kill(self) -> None:
        """kill -9: its memory and threads are gone, what it wrote is there."""
        kill(self.pid)

    def outcome(self) -> dict[str, Any]:
        """What it left: its result, or its error."""
        return dict(json.loads(self.report.read_text())) if self.report.exists() else {}


class Crew:
    """Starts jobs; use it as a context."""

    def __init__(
        self,
        folder: Path,
        environment: Mapping[str, str],
        wrapped: Mapping[str, str] | None = None,
        *,
        stages: bool = True,
    ) -> None:
        """wrapped: more environment, such as another clock; stages: whether its jobs run any, besides promotions."""
        self._stages = stages
        self._folder = folder
        self._environment = dict(os.environ) | dict(environment) | dict(wrapped or {})
        self._lock = threading.Lock()
        self._count = 0

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-W", "ignore", "-m", "drill.crew", *["stages"] * self._stages]
        self._log = (self._folder / "crew.log").open("ab")
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self._process: Any = subprocess.Popen(command, cwd=ROOT, env=self._environment, stderr=self._log, **pipes)  # type: ignore[call-overload]  # noqa: S603
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()
        self._log.close()

    def start(self, do: str, **how: Any) -> Job:
        """Begin a job of work.py."""
        with self._lock:
            self._count += 1
            report = self._folder / f"job-{self._count}.json"
        return Job(self, int(self.ask({"do": do, "report": str(report), "how": how})), report)

    def do(self, do: str, **how: Any) -> Job:
        """The same, and wait for its end."""
        job = self.start(do, **how)
        job.wait()
        return job

    def ask(self, order: dict[str, Any]) -> Any:
        """One order, one answer."""
        with self._lock:
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the crew ended: see {self._folder}/crew.log")
        return json.loads(line)


def _answer(order: dict[str, Any]) -> Any:
    if "poll" in order:
        done, status = os.waitpid(order["poll"], os.WNOHANG)
        return os.waitstatus_to_exitcode(status) if done else None
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        os.setsid()
        if largest := order["how"].pop("largest", None):  # bytes of a file: where no small disk could be made
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))
        sys.stdout = sys.stderr
        work: Any = JOBS[order["do"]]
        result = work(**order["how"])
        Path(order["report"]).write_text(json.dumps(result, default=str))
        code = 0
    except BaseException as error:  # noqa: BLE001  whatever it is, the drill is to know it
        result = {"error": type(error).__name__, "message": str(error), "trace": traceback.format_exc()}
        Path(order["report"]).write_text(json.dumps(result))
        code = int(getattr(error, "exit_code", 70))
    finally:
        os._exit(code)


def main() -> None:
    """Until nobody asks any more."""
    ready(stages="stages" in sys.argv)
    for line in sys.stdin:
        sys.stdout.write(json.dumps(_answer(json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
