"""`python -m bench.api`: how fast the price API starts and answers, beside a function with the usual libraries.

Both run in the emulator of Lambda's runtime, in turns, over the promoted release of a lake.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.emulator import ROOT, function, lean_python, runtime
from bench.grown import FIRST, grow
from bench.report import API, Report
from bench.served import promoted
from bench.warm import SKUS, price_event
from tasks.workspace import Workspace
from testing import report
from testing.report import Target, markdown, target_table

OURS, REFERENCE = "inference.handler.handler", "bench.reference_handler.handler"
SMALL, LARGE = 1_000, 100_000
STARTS, CALLS = 7, 500
Seconds = list[float]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(prog="python -m bench.api", description=__doc__)
    parser.add_argument("--store", default="", help="a lake folder with a promoted release; default: the last run's")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "benchmarks.md")
    options = parser.parse_args(arguments)
    release = promoted(Path(options.store or Workspace(ROOT).store))
    began, load = time.perf_counter(), os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        found = measure(release, Path(folder))
    words = (
        f"The same release and machine, in turns; median of {STARTS} starts, {CALLS} warm calls through HTTP and 2,000 "
        "at the handler: events of API Gateway, 100 prices each, none of them cached. Started under the emulator of "
        "Lambda's runtime: no virtual machine and no image are started there, which Lambda does on top. The reference "
        "is the same handler behind imports of torch, lightgbm, scikit-learn, pandas and boto3: a floor for such a "
        f"stack. Before the first start the machine's load was {load:.1f} on {os.cpu_count()} cores; idle it is near 0."
    )
    Report(options.out, report.describe()).section(API, [words, table(found), target_table(targets(found))], began)


def measure(release: Path, folder: Path) -> dict[str, Any]:
    """Seconds, by what was measured."""
    lean, tools = lean_python(folder / "lean"), runtime(folder / "tools")
    lakes = {size: grow(release, size, folder / str(size)) for size in (SMALL, SKUS, LARGE)}
    cases = {
        "ours": (lean, OURS, lakes[SMALL]),
        "large": (lean, OURS, lakes[LARGE]),
        "reference": (Path(sys.executable), REFERENCE, lakes[SMALL]),
    }
    starts: dict[str, Seconds] = {name: [] for name in cases}
    calls: dict[str, Seconds] = {}
    for turn in range(STARTS + 1):  # the first one warms the page cache and is not counted
        for name, (python, handler, lake) in cases.items():
            cold, calls[name] = _one(python, tools, handler, lake, CALLS if turn == STARTS else 0)
            starts[name] += [cold] * bool(turn)
    environment = {"PYTHONPATH": str(ROOT), "PRICEWRIGHT_STORE": str(lakes[SKUS]), "OPENBLAS_NUM_THREADS": "1"}
    command = [str(lean), "-m", "bench.warm", FIRST]
    environment = os.environ | environment
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603
    return {"starts": starts, "http": calls, **json.loads(done.stdout)}


def _one(python: Path, tools: Path, handler: str, lake: Path, calls: int) -> tuple[float, Seconds]:
    with function(python, tools, handler, {"PRICEWRIGHT_STORE": str(lake)}) as ask:
        answer, cold = ask(price_event(FIRST, 1.0))
        if json.loads(answer.get("body") or "{}").get("model") != "network":
            raise SystemExit(f"the network did not answer: {answer}")
        return cold, [ask(price_event(str(int(FIRST) + number % SMALL), number * 1e-6))[1] for number in range(calls)]


def table(found: dict[str, Any]) -> str:
    """What each takes, in ms, and how many times more the reference does."""
    starts = {name: 1000 * statistics.median(seconds) for name, seconds in found["starts"].items()}
    ours, theirs = found["http"]["ours"], found["http"]["reference"]
    rows = [
        ["init to first answer", starts["ours"], starts["reference"]],
        [f"the same, {LARGE:,} SKUs", starts["large"], None],
        ["warm answer through HTTP, p50", percentile(ours, 50), percentile(theirs, 50)],
        ["warm answer through HTTP, p99", percentile(ours, 99), percentile(theirs, 99)],
        ["warm answer at the handler, p50", percentile(found["warm"], 50), None],
        ["warm answer at the handler, p99", percentile(found["warm"], 99), None],
        [f"POST /v1/prices, {SKUS:,} SKUs", 1000 * statistics.median(found["bulk"]), None],
    ]
    cells = [
        [name, f"{own:,.2f}", "" if other is None else f"{other:,.2f}", "" if other is None else f"{other / own:.1f}x"]
        for name, own, other in rows
    ]
    return markdown(["ms", "price API", "reference", "ratio"], cells)


def targets(found: dict[str, Any]) -> list[Target]:
    """What was asked for, against what came out."""
    starts = {name: 1000 * statistics.median(seconds) for name, seconds in found["starts"].items()}
    ratio, more = starts["reference"] / starts["ours"], starts["large"] - starts["ours"]
    bulk = statistics.median(found["bulk"])
    p50, p99, http = percentile(found["warm"], 50), percentile(found["warm"], 99), percentile(found["http"]["ours"], 50)
    return [
        Target("init to first answer", "at most 130 ms", f"{starts['ours']:.0f} ms", starts["ours"] <= 130),
        Target("the same against the reference", "15 times faster", f"{ratio:.1f} times", ratio >= 15),
        Target(f"{LARGE:,} SKUs instead of {SMALL:,}", "at most 50 ms more", f"{more:.0f} ms", more <= 50),
        Target("warm at the handler, p50", "under 0.5 ms", f"{p50:.2f} ms", p50 < 0.5),
        Target("warm at the handler, p99", "under 2 ms", f"{p99:.2f} ms", p99 < 2),
        Target("warm through HTTP, p50", "under 1.5 ms", f"{http:.2f} ms", http < 1.5),
        Target(f"{SKUS:,} SKUs in one call", "under 1.5 s", f"{bulk:.2f} s", bulk < 1.5),
    ]


def percentile(seconds: Seconds, percent: float) -> float:
    """A percentile, in ms."""
    return 1000 * sorted(seconds)[min(int(len(seconds) * percent / 100), len(seconds) - 1)]


if __name__ == "__main__":
    main()
