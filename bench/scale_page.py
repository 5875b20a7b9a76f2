"""The measured part of docs/scaling.md: tables and pictures of what bench.scale has found so far."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from bench.scale_picture import STEPS, draw_rows, draw_skus
from testing.report import Target, markdown, target_table, write_between

COMMAND = "make bench-scale"
GIGABYTES, TIMES, LINEAR = 4.0, 2.0, 1.25
LATER = ", one week more"
MEASURES = (("processor", "processor time"), ("seconds", "on the clock"))
Found = Mapping[str, Mapping[str, Any]]


def write_page(page: Path, known: Mapping[str, Found]) -> None:
    """Put the figures between the two marks of the page, and the pictures beside it."""
    parts = []
    if rows := known.get("rows"):
        draw_rows(page.with_name("scaling_rows.svg"), rows)
        parts += ["![Seconds and memory by rows](scaling_rows.svg)", rows_table(rows), target_table(targets(rows))]
    if skus := known.get("skus"):
        draw_skus(page.with_name("scaling_skus.svg"), skus)
        parts += ["![Training by SKUs](scaling_skus.svg)", skus_table(skus)]
    parts += [_where(known)]
    write_between(page, COMMAND, parts)


def _where(known: Mapping[str, Found]) -> str:
    """Which sizes were measured on which day at which load, and the machines, each once."""
    days: dict[str, list[str]] = {}
    for kind, unit in (("rows", "million rows"), ("skus", "SKUs")):
        for one in ordered(known.get(kind, {})):
            size = f"{one['rows'] / 1e6:.0f}" if kind == "rows" else f"{one['skus']:,}"
            days.setdefault(one["date"], []).append(f"{size} {unit} (load {one['load']})")
    machines = sorted({one["machine"] for found in known.values() for one in found.values()})
    measured = "; ".join(f"{day}: " + ", ".join(sizes) for day, sizes in sorted(days.items()))
    return f"Measured {measured}; {'; '.join(machines)}."


def ordered(found: Found) -> list[Mapping[str, Any]]:
    """By size."""
    return [found[key] for key in sorted(found, key=int)]


def rows_table(found: Found) -> str:
    """One line per step of every size."""
    lines = []
    for one in ordered(found):
        for step in STEPS:
            if step in one["costs"]:
                cost = _cost(one["costs"][step], one["rows"], LATER in step)
                lines.append([f"{one['rows'] / 1e6:.0f} million: {step}", *cost])
    return markdown(["rows", "seconds", "processor s", "rows/s", "GB at most"], lines)


def _cost(cost: Mapping[str, Any], rows: int, part: bool) -> list[str]:
    if cost["done"]:
        return [cost["done"], "", "", f"{cost['memory']:.1f}"]
    rate = "" if part else f"{rows / cost['seconds']:,.0f}"
    return [f"{cost['seconds']:.0f}", f"{cost['processor']:.0f}", rate, f"{cost['memory']:.2f}"]


def skus_table(found: Found) -> str:
    """One line per assortment."""
    lines = []
    for one in ordered(found):
        fit, skus = one["costs"]["fit"], one["skus"]
        if fit["done"]:
            lines.append([f"{skus:,}", fit["done"], "", f"{fit['memory']:.1f}", "", ""])
            continue
        per_sku = f"{1000 * fit['processor'] / skus:.1f}"
        sizes = [f"{one['release'] / 1e6:.1f}", f"{1000 * one['start']:.0f}"]
        lines.append([f"{skus:,}", f"{fit['seconds']:.0f}", per_sku, f"{fit['memory']:.2f}", *sizes])
    header = ["SKUs", "train, price list, release: s", "processor ms per SKU", "GB at most", "release, MB", "API: ms"]
    return markdown(header, lines)


def targets(found: Found) -> list[Target]:
    """Memory at every size, growth of the time, the yardstick, and what a week costs."""
    whole = ordered(found)
    result = [_memory(whole)]
    for one in whole:
        own, week = spent(one, ""), spent(one, LATER)
        label = f"{one['rows'] / 1e6:.0f} million rows"
        result += [_against_query(label, one, *measure) for measure in MEASURES]
        result.append(
            Target(f"{label}: a week more, of all weeks", "under 10 %", f"{week / own:.1%}", week / own < 0.1)
        )
    for small, large in pairwise(whole):
        if small["date"] != large["date"]:
            continue  # another day is another machine: a shared one's speed changes by a factor of two
        growth, times = spent(large, "") / spent(small, ""), large["rows"] / small["rows"]
        label = f"processor time, {small['rows'] / 1e6:.0f} to {large['rows'] / 1e6:.0f} million rows"
        asked = f"at most {LINEAR * times:.1f} times for {times:.1f} times the rows"
        result.append(Target(label, asked, f"{growth:.1f} times", growth <= LINEAR * times))
    return result


def spent(one: Mapping[str, Any], which: str, measure: str = "processor") -> float:
    """Processor seconds (or `seconds` on the clock) of ingest and feature; nan where one did not come to its end."""
    return float(sum(one["costs"][f"{step}{which}"][measure] for step in ("ingest", "feature")))


def _against_query(label: str, one: Mapping[str, Any], measure: str, words: str) -> Target:
    query, label = one["costs"].get("query", {"done": "not run"}), f"{label}: against the query, {words}"
    if query["done"]:
        return Target(label, "at most 2.0", f"query {query['done']}", False)
    ratio = spent(one, "", measure) / query[measure]
    return Target(label, "at most 2.0", f"{ratio:.1f} times", ratio <= TIMES)


def _memory(whole: Sequence[Mapping[str, Any]]) -> Target:
    steps = [cost for one in whole for step, cost in one["costs"].items() if step not in ("files", "query")]
    most = max(cost["memory"] for cost in steps)
    fine = most < GIGABYTES and not any(cost["done"] for cost in steps)
    return Target("memory of ingest and feature, any size", f"under {GIGABYTES:.0f} GB", f"{most:.2f} GB", fine)
