"""`make fuzz`: a million inputs and more, in half an hour of one core; what went wrong, if anything did.

    python -m tests.fuzz [--share 0.1] [--only events,manifest] [--out FOLDER]

Ends with 1 when an input crashed something, was answered with a 5xx, or hung.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
# Inputs per target, as many as its cost allows, and the seconds after which it is ended in any case.
GUIDED = {"manifest": 500_000, "onnx": 300_000, "events": 250_000, "arrays": 30_000, "tables": 4_000, "files": 4_000}
EVENTS, EXAMPLES = 20_000, 150  # hypothesis: events; schemathesis: per operation, good ones and bad ones
LONGEST = 3000


def main() -> None:
    """Fuzz everything and show a table."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--share", type=float, default=1.0, help="of the inputs")
    parser.add_argument("--only", default="", help="comma-separated targets")
    parser.add_argument("--out", type=Path, default=None, help="where counts and faults are left; default: /tmp")
    asked = parser.parse_args()
    out = asked.out or Path(tempfile.mkdtemp(prefix="fuzz-"))
    jobs = {name: ["guided", name, str(max(int(runs * asked.share), 100))] for name, runs in GUIDED.items()}
    jobs["hypothesis"] = ["hypothesis_events", str(max(int(EVENTS * asked.share), 50))]
    jobs["schemathesis"] = ["api_description", str(max(int(EXAMPLES * asked.share), 5))]
    wanted = asked.only.split(",") if asked.only else list(jobs)
    if unknown := set(wanted) - set(jobs):
        parser.error(f"--only names {', '.join(sorted(unknown))}: it must be some of {', '.join(jobs)}.")
    rows = [_run(name, jobs[name], out / name) for name in wanted]
    show(rows, out)
    sys.exit(int(any(row["crashes"] or row["wrong"] or row["hangs"] or row["ended"] for row in rows)))


def _run(name: str, job: list[str], folder: Path) -> dict[str, Any]:
    """One job in a process of its own, which nothing that it meets can take along."""
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", f"tests.fuzz.{job[0]}", *job[1:], str(folder)]
    started = time.monotonic()
    with (folder / "log").open("w") as log:
        try:
            code = subprocess.run(command, cwd=ROOT, stdout=log, stderr=log, timeout=LONGEST, check=False).returncode
            ended = f"ended with {code}" if code else ""
        except subprocess.TimeoutExpired:
            ended = f"not done after {LONGEST} s"
    note = folder / "count.json"
    count = json.loads(note.read_text()) if note.exists() else {"inputs": 0, "faults": {}}
    kinds = {kind: sum(n for key, n in count["faults"].items() if key.startswith(kind)) for kind in ("wrong", "hang")}
    crashes = sum(count["faults"].values()) - sum(kinds.values())
    row = {"name": name, "inputs": count["inputs"], "crashes": crashes, "wrong": kinds["wrong"], "hangs": kinds["hang"]}
    _say(row | {"seconds": round(time.monotonic() - started), "ended": ended})
    return row | {"seconds": time.monotonic() - started, "ended": ended}


def show(rows: list[dict[str, Any]], out: Path) -> None:
    """The table, its sum, and where faults are."""
    total = {name: sum(row[name] for row in rows) for name in ("inputs", "crashes", "wrong", "hangs", "seconds")}
    _say({"name": "all"} | {name: int(number) for name, number in total.items()} | {"ended": ""})
    faults = sorted(out.glob("*/fault-*.txt")) + sorted(out.glob("*/stopped-*"))
    for fault in faults[:20]:
        sys.stdout.write(f"  {fault}\n")


def _say(row: dict[str, Any]) -> None:
    numbers = (
        f"{row['inputs']:>10,} inputs  {row['crashes']} crashes  {row['wrong']} wrong or 5xx  {row['hangs']} hangs"
    )
    sys.stdout.write(f"{row['name']:<13}{numbers}  {row['seconds']:>5} s  {row['ended']}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
