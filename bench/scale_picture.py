"""Pictures of what bench.scale has found: time and memory over rows, over SKUs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

Found = Mapping[str, Mapping[str, Any]]
STEPS = ("ingest", "feature", "query", "ingest, one week more", "feature, one week more")


def draw_rows(path: Path, found: Found) -> None:
    """Processor seconds and peak memory of every step by rows."""
    figure, (time, memory) = _two("rows")
    sizes = sorted(found, key=int)
    for step in STEPS:
        done = [found[key] for key in sizes if not found[key]["costs"].get(step, {"done": "not run"})["done"]]
        x = [one["rows"] for one in done]
        time.plot(x, [one["costs"][step]["processor"] for one in done], marker="o", label=step)
        memory.plot(x, [one["costs"][step]["memory"] for one in done], marker="o")
    memory.axhline(4, color="grey", linestyle=":")
    _save(figure, time, path)


def draw_skus(path: Path, found: Found) -> None:
    """Processor seconds and peak memory of the training by SKUs."""
    figure, (time, memory) = _two("SKUs")
    done = [found[key] for key in sorted(found, key=int)]
    done = [one for one in done if not one["costs"]["fit"]["done"]]
    x = [one["skus"] for one in done]
    time.plot(x, [one["costs"]["fit"]["processor"] for one in done], marker="o", label="train, price list, release")
    memory.plot(x, [one["costs"]["fit"]["memory"] for one in done], marker="o")
    _save(figure, time, path)


def _two(what: str) -> tuple[Figure, tuple[Axes, Axes]]:
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    time, memory = figure.subplots(1, 2)
    for axes, name, scale in ((time, "processor seconds", "log"), (memory, "GB of memory at most", "linear")):
        axes.set(xscale="log", yscale=scale, xlabel=what, ylabel=name)
        axes.grid(alpha=0.3)
    return figure, (time, memory)


def _save(figure: Figure, legend: Axes, path: Path) -> None:
    legend.legend(fontsize=7)
    figure.axes[1].set_ylim(bottom=0)
    figure.savefig(path, metadata={"Date": None})
