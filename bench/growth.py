"""Growth: time and peak memory of the training when the assortment grows, each size in a process of its own."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from bench.memory import peak_memory
from pricewright.feature import build_panel
from pricewright.ingest import ingest
from pricewright.train import train
from pricewright.tune import tune
from pricewright.tuning import on_threads
from pricewright.worlds.market import simulate
from testing.report import Target, markdown, target_table

SKUS, WEEKS, SIZES = 750, 53, (1, 4, 16)
WHOLE = 4  # the size of the UCI data: 3,000 SKUs x 53 weeks
MINUTES, GIGABYTES = 6.0, 4.0


@dataclass(frozen=True)
class Cost:
    """What one step took: seconds and the process's peak resident memory in GB."""

    seconds: float
    memory: float


def sales(folder: Path, params: Mapping[str, Any]) -> None:
    """Simulate the market's sales lines; not measured."""
    market = params["market"]
    simulate(market).transactions(market).write_parquet(folder / "sales.parquet")


def panel(folder: Path, params: Mapping[str, Any]) -> None:
    """Ingest and feature."""
    built = build_panel(ingest(folder / "sales.parquet", params["ingest"]).accepted, params["feature"])
    for name in ("rows", "coming", "catalog"):
        getattr(built, name).write_parquet(folder / f"{name}.parquet")


def fit(folder: Path, params: Mapping[str, Any]) -> None:
    """Train with the hyperparameters that the search starts from."""
    rows, coming, catalog = _tables(folder)
    train(rows, coming, catalog, params["tune"]["defaults"], params)


def search(folder: Path, params: Mapping[str, Any]) -> None:
    """Tune with the default budget, then train."""
    rows, coming, catalog = _tables(folder)
    with on_threads(os.cpu_count() or 1) as task_map:
        tuned = tune(rows, params, task_map=task_map)
    train(rows, coming, catalog, tuned.hyperparameters, params)


def _tables(folder: Path) -> list[pl.DataFrame]:
    return [pl.read_parquet(folder / f"{name}.parquet") for name in ("rows", "coming", "catalog")]


STEPS: Mapping[str, Callable[[Path, Mapping[str, Any]], None]] = {s.__name__: s for s in (sales, panel, fit, search)}


def measure_step(step: str, folder: Path, params: Mapping[str, Any]) -> Cost:
    """Run one step in a child process, since peak memory never falls again within one."""
    (folder / "params.json").write_text(json.dumps(params, default=str))
    began = time.perf_counter()
    subprocess.run([sys.executable, "-m", "bench.growth", step, str(folder)], check=True)  # noqa: S603 - our interpreter
    return Cost(time.perf_counter() - began, float((folder / "peak").read_text()))


def grow(params: Mapping[str, Any], size: int, seed: int) -> dict[str, Cost]:
    """All steps at `size` times the smallest assortment; the search only at the size of the UCI data."""
    own = {**params, "market": {**params["market"], "skus": SKUS * size, "weeks": WEEKS, "seed": seed}}
    steps = ["sales", "panel", "fit"] + (["search"] if size == WHOLE else [])
    with tempfile.TemporaryDirectory() as folder:
        return {step: measure_step(step, Path(folder), own) for step in steps}


def growth_section(costs: Mapping[int, Mapping[str, Cost]]) -> str:
    """Seconds and memory by size, the growth of both, the whole cost against its target."""
    rows = []
    for size, steps in costs.items():
        weeks = SKUS * size * WEEKS
        cells = [f"{value:.1f}" for s in ("panel", "fit") for value in (steps[s].seconds, steps[s].memory)]
        rows.append([f"{size}x", f"{SKUS * size:,}", f"{weeks:,}", *cells, f"{steps['fit'].seconds / weeks * 1e6:.0f}"])
    header = ["size", "SKUs", "SKU-weeks", "ingest, feature: s", "GB", "train: s", "GB", "train: us per SKU-week"]
    words = f"Simulated markets of {WEEKS} weeks; each step is a process of its own, its start included."
    return "\n\n".join([words, markdown(header, rows), target_table(growth_targets(costs))])


def growth_targets(costs: Mapping[int, Mapping[str, Cost]]) -> list[Target]:
    """Linear growth (16 times the SKUs in at most 20 times the time and memory), and the whole cost."""
    targets = []
    if min(costs) < max(costs):
        small, large, times = costs[min(costs)]["fit"], costs[max(costs)]["fit"], max(costs) // min(costs)
        for what, ratio in (("time", large.seconds / small.seconds), ("memory", large.memory / small.memory)):
            asked = f"at most {1.25 * times:.0f} times at {times}x"
            targets.append(
                Target(f"training grows linearly: {what}", asked, f"{ratio:.1f} times", ratio <= 1.25 * times)
            )
    if WHOLE in costs:
        spent = [cost for step, cost in costs[WHOLE].items() if step in ("panel", "search")]
        minutes, memory = sum(cost.seconds for cost in spent) / 60, max(cost.memory for cost in spent)
        label = f"{SKUS * WHOLE:,} SKUs x {WEEKS} weeks, default tuning budget"
        targets.append(Target(f"{label}: time", f"under {MINUTES:.0f} min", f"{minutes:.1f} min", minutes < MINUTES))
        targets.append(Target(f"{label}: memory", f"under {GIGABYTES:.0f} GB", f"{memory:.1f} GB", memory < GIGABYTES))
    return targets


if __name__ == "__main__":
    folder = Path(sys.argv[2])
    STEPS[sys.argv[1]](folder, json.loads((folder / "params.json").read_text()))
    (folder / "peak").write_text(str(peak_memory()))
