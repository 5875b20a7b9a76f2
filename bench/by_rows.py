"""What rows cost: ingest and feature of a shop of any number of sales lines, each step in a process of its own.

`first` builds all weeks but the newest, `week` adds that one; `query` is the yardstick on the files of `first`.
"""

import json
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.hand_written import write_panel
from bench.memory import peak_memory
from bench.weekly_files import write_weeks
from pricewright.feature.weekly import IncrementalPanel
from pricewright.ingest.source import find_documents
from pricewright.ingest.weekly import IncrementalIngest
from pricewright.partitions import partition_files

MOST = 18.0  # GB of memory at which a step is given up: what else runs on 24 GB needs the rest
PARTS, ROWS_A_PART = 4, 12_500_000  # into which the query by hand is cut so that it stays below 5 GB
PATIENCE = 3 * 3600.0  # seconds after which a step is given up too
Params = Mapping[str, Any]


@dataclass(frozen=True)
class Cost:
    """seconds on the clock and of the processors, peak resident memory in GB; done: how it ended, if not well."""

    seconds: float
    processor: float
    memory: float
    done: str = ""


def files(folder: Path, params: Params) -> None:
    """The files of all weeks, the newest apart; not measured."""
    count = write_weeks(folder / "source", params["market"], int(params["rows"]))
    newest = max((folder / "source").iterdir())
    (folder / "late").mkdir()
    newest.rename(folder / "late" / newest.name)
    (folder / "rows").write_text(str(count))


def ingest(folder: Path, params: Params) -> None:
    """All weeks that are there and not on the shelf."""
    documents = find_documents(folder / "source", folder / "digests.json")
    whole = IncrementalIngest(folder / "intake", params["ingest"]).ingest(documents, "source")
    whole.write(folder / "raw", folder / "quarantine")


def feature(folder: Path, params: Params) -> None:
    """The panel of all weeks, those made that are not on the shelf."""
    built = IncrementalPanel(folder / "shelves", params["feature"]).build(partition_files(folder / "raw"))
    built.write(folder / "panel")
    built.ending.coming.write_parquet(folder / "coming.parquet")
    built.ending.catalog.write_parquet(folder / "catalog.parquet")


def query(folder: Path, params: Params) -> None:
    """The same panel by hand."""
    write_panel(folder / "source", folder / "by_hand", max(PARTS, int(params["rows"]) // ROWS_A_PART))


STEPS: Mapping[str, Callable[[Path, Params], None]] = {s.__name__: s for s in (files, ingest, feature, query)}


def measure(folder: Path, params: Params) -> dict[str, Any]:
    """Costs by step, rows and bytes of one size; nothing of it stays on disk."""
    folder.mkdir(parents=True)
    (folder / "params.json").write_text(json.dumps(params, default=str))
    try:
        costs = {"files": run("files", folder), "ingest": run("ingest", folder), "feature": run("feature", folder)}
        found: dict[str, Any] = {"rows": int((folder / "rows").read_text())}
        found["bytes"] = {name: size(folder / name) for name in ("source", "raw", "panel", "intake", "shelves")}
        costs["query"] = run("query", folder)
        for late in (folder / "late").iterdir():
            shutil.copy(late, folder / "source")
        costs |= {f"{step}, one week more": run(step, folder) for step in ("ingest", "feature")}
        return found | {"costs": {name: asdict(cost) for name, cost in costs.items()}}
    finally:
        shutil.rmtree(folder)


def run(step: str, folder: Path, module: str = "bench.by_rows") -> Cost:
    """One step in a child, which is given up when it takes too much memory or time."""
    print(f"{time.strftime('%H:%M:%S')} {folder.name}: {step}", flush=True)
    (folder / "cost").unlink(missing_ok=True)
    began, most = time.perf_counter(), 0.0
    with subprocess.Popen([sys.executable, "-m", module, step, str(folder)]) as child:  # noqa: S603 - our own
        while child.poll() is None:
            time.sleep(0.2)
            most = max(most, peak_memory(child.pid))
            if most > MOST or time.perf_counter() - began > PATIENCE:
                child.kill()
    seconds = time.perf_counter() - began
    if child.returncode:
        why = f"over {MOST:.0f} GB" if most > MOST else "out of time" if seconds > PATIENCE else "failed"
        return Cost(seconds, float("nan"), most, why)
    processor, memory = json.loads((folder / "cost").read_text())
    return Cost(seconds, processor, memory)


def size(folder: Path) -> int:
    """Bytes of a folder, a file that is linked several times once."""
    found = {entry.stat().st_ino: entry.stat().st_size for entry in folder.rglob("*") if entry.is_file()}
    return sum(found.values())


def do(steps: Mapping[str, Callable[[Path, Params], None]]) -> None:
    """In the child: the step that the command line names, and what it cost."""
    here = Path(sys.argv[2])
    steps[sys.argv[1]](here, json.loads((here / "params.json").read_text()))
    spent = resource.getrusage(resource.RUSAGE_SELF)
    (here / "cost").write_text(json.dumps([spent.ru_utime + spent.ru_stime, peak_memory()]))


if __name__ == "__main__":
    do(STEPS)
