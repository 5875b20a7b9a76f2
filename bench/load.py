"""`python -m bench.load`: a minute at the rate that one emulator process holds, a minute at twice that, and its memory.

Requests come when they come, whether those before were answered or not; a latency counts from that moment. Each answer
is held against the price list of the release.
"""

import argparse
import json
import os
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from shutil import copytree
from typing import Any

from bench.api import percentile
from bench.emulator import ROOT, function, lean_python, runtime
from bench.memory import NOW, kilobytes
from bench.questions import Ask, Questions
from bench.report import LOAD, Report
from bench.served import point, promoted
from tasks.workspace import Workspace
from testing import report
from testing.report import Target, markdown, target_table

HANDLER = "inference.handler.handler"
SECONDS, TRIAL = 60.0, 5.0
STEPS = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5)  # of what one caller after the other gets
HELD = 0.1  # seconds: the rate is held while p99 is below
PERCENTILES = (50, 90, 99, 99.9, 100)
REQUESTS = 200_000  # for the memory


@dataclass
class Minute:
    """What came of the requests of one rate."""

    rate: float
    seconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    took: float = 0.0

    def at(self, percent: float) -> float:
        """A percentile of the latency, in ms."""
        return percentile(self.seconds, percent)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(prog="python -m bench.load", description=__doc__)
    parser.add_argument("--store", default="", help="a lake folder with a promoted release; default: the last run's")
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--requests", type=int, default=REQUESTS)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "benchmarks.md")
    options = parser.parse_args(arguments)
    release = promoted(Path(options.store or Workspace(ROOT).store))
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        python, tools = lean_python(Path(folder) / "lean"), runtime(Path(folder) / "tools")
        lake = Path(folder) / "lake"
        copytree(release, lake / "releases" / release.name)
        point(lake, release.name)
        lasting = last(python, lake, release, options.requests)
        load = os.getloadavg()[0]
        minutes, held = under_load(python, tools, lake, release, options.seconds)
    words = (
        f"One process of Lambda's runtime under its emulator, which takes 1 call at once, the others wait; "
        f"requests at even distances, {options.seconds:.0f} s each. Mixed: two thirds prices of one SKU "
        "(50 prices, some by a backup), 15 % of eight SKUs, 5 % the whole price list, 10 % that deserve "
        "an error. A latency counts from the moment at which the request was due, waiting for a connection included. "
        f"A rate is held while p99 stays under {1000 * HELD:.0f} ms. Before these minutes the machine's load was "
        f"{load:.1f} on {os.cpu_count()} cores; idle it is near 0."
    )
    parts = [words, rate_table(minutes), memory_table(held, lasting), target_table(targets(minutes, lasting))]
    Report(options.out, report.describe()).section(LOAD, parts, began)


def under_load(
    python: Path, tools: Path, lake: Path, release: Path, seconds: float
) -> tuple[list[Minute], list[float]]:
    """A minute at the rate that is held, one at twice that; and the memory of the process before, between, after."""
    with function(python, tools, HANDLER, {"PRICEWRIGHT_STORE": str(lake)}) as ask:
        questions = Questions(release)
        for _ in range(200):
            questions.put(ask)
        memory = [rss_of_function(tools)]
        rate = held_rate(ask, questions)
        minutes = []
        for share in (1.0, 2.0):
            minutes.append(one_minute(ask, questions, share * rate, seconds))
            memory.append(rss_of_function(tools))
    return minutes, memory


def held_rate(ask: Ask, questions: Questions) -> float:
    """Requests a second: the largest share of what one caller after the other gets that is answered in time."""
    count, began = 0, time.perf_counter()
    while time.perf_counter() - began < TRIAL:
        questions.put(ask)
        count += 1
    for share in STEPS:
        trial = one_minute(ask, questions, share * count / TRIAL, TRIAL)
        if trial.at(99) < 1000 * HELD:
            return trial.rate
    return STEPS[-1] * count / TRIAL


def one_minute(ask: Ask, questions: Questions, rate: float, seconds: float) -> Minute:
    """Requests at even distances for so long, one at a time: the emulator ends when a second call comes, as Lambda
    never sends a process two. One that is late is asked at once."""
    made, began = Minute(rate), time.perf_counter()
    for number in range(int(rate * seconds)):
        moment = began + number / rate
        time.sleep(max(moment - time.perf_counter(), 0))
        status, why = questions.put(ask)
        made.seconds.append(time.perf_counter() - moment)
        made.statuses[status] += 1
        made.wrong += [why] if why else []
    made.took = time.perf_counter() - began
    return made


def last(python: Path, lake: Path, release: Path, requests: int) -> dict[str, Any]:
    """So many of the same requests at the handler, in the image's Python; its memory on the way."""
    questions = Questions(release)
    events = [questions.event()[0] for _ in range(20_000)]
    own = {"PYTHONPATH": str(ROOT), "PRICEWRIGHT_STORE": str(lake), "OPENBLAS_NUM_THREADS": "1"}
    command = [str(python), "-m", "bench.lasting", str(requests)]
    text = "\n".join(json.dumps(event) for event in events)
    pipes: dict[str, Any] = {"input": text, "capture_output": True, "text": True, "check": True}
    done = subprocess.run(command, env=os.environ | own, cwd=ROOT, **pipes)  # noqa: S603 - words of our own
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def rss_of_function(tools: Path) -> float:
    """MB of the process that runs the handler, which the emulator has started."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_text().split("\0")
            own = str(tools) in (folder / "environ").read_text()
            if own and "awslambdaric" in words and str(tools) not in words[0]:
                return kilobytes(NOW, folder.name) / 1024
        except OSError:
            continue
    return float("nan")


def rate_table(minutes: Sequence[Minute]) -> str:
    """Latency by percentile, statuses, wrong answers."""
    header = ["requests/s", "answered/s", *(f"p{percent:g} ms" for percent in PERCENTILES), "statuses", "wrong"]
    rows = []
    for one in minutes:
        statuses = ", ".join(f"{status}: {count:,}" for status, count in sorted(one.statuses.items()))
        times = [f"{one.at(percent):,.1f}" for percent in PERCENTILES]
        answered = f"{len(one.seconds) / one.took:.0f}"
        rows.append([f"{one.rate:.0f}", answered, *times, statuses, str(len(one.wrong))])
    return markdown(header, rows)


def memory_table(held: Sequence[float], lasting: dict[str, Any]) -> str:
    """RSS on the way."""
    rows = [["emulator: before, after the first minute, after the second", *(f"{value:.1f}" for value in held)]]
    rows += [[f"{lasting['requests']:,} requests at the handler", *(f"{value:.1f}" for value in lasting["rss"])]]
    return markdown(["RSS, MB", "start", "middle", "end"], rows)


def targets(minutes: Sequence[Minute], lasting: dict[str, Any]) -> list[Target]:
    """What was asked for, against what came out."""
    wrong = sum(len(one.wrong) for one in minutes)
    statuses = sorted({status for one in minutes for status in one.statuses})
    start, _, end = lasting["rss"]
    return [
        Target("wrong answers", "0", str(wrong), wrong == 0),
        Target("statuses", "200 and declared errors", ", ".join(map(str, statuses)), set(statuses) <= {200, 404, 422}),
        Target(
            "memory over the requests", "at most 5 % more", f"{100 * (end / start - 1):+.1f} %", end <= 1.05 * start
        ),
    ]


if __name__ == "__main__":
    main()
