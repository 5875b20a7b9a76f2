"""A candidate: a release that waits for a decision, what its reviewer sees, and the reports of its gates."""

import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from blocks.channel import Channel
from blocks.lake import Lake
from pricewright.core.manifest import MANIFEST, PRICE_LIST, Manifest, release_key
from pricewright.release.approval import Subject
from tasks.decisions import subject_of
from tasks.gates import GATES, warned
from tasks.pages import biggest_moves, read_price_list
from tasks.releases import read_manifest, verify_release
from tasks.train import proof_line
from tasks.workspace import Workspace

URL = "PRICEWRIGHT_REPORTS_URL"  # where the lake's folder reports/ is served, if anywhere
MOVES = 10
MEASURES = ("wape", "rmsle", "bias", "coverage")
OF_CHECK = ("name", "value", "warn", "block", "status")
SAID = ("unit", "detail")  # of a check, where its verdict is not of an old release
Table = list[dict[str, Any]]


def report_files() -> dict[str, str]:
    """Where each report lies below work/, by its name beside a release."""
    return {report.published: f"{gate.name}/{report.file}" for gate in GATES.values() for report in gate.reports}


def publish_reports(workspace: Workspace, lake: Lake, release: str) -> list[str]:
    """Put the reports that the stages left beside the release; returns their names."""
    with tempfile.TemporaryDirectory() as folder:
        there = {
            name: workspace.work / path for name, path in report_files().items() if (workspace.work / path).exists()
        }
        for name, path in there.items():
            shutil.copyfile(path, Path(folder) / name)
        lake.publish_folder(f"reports/{release}", Path(folder))
    return list(there)


def report_links(lake: Lake, release: str, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Where each report of a release can be seen, by what it shows."""
    base = environment.get(URL, "").rstrip("/") or f"{lake.url.rstrip('/')}/reports"
    keys = lake.list(f"reports/{release}")
    titles = {report.published: report.title for gate in GATES.values() for report in gate.reports}
    return {words: f"{base}/{release}/{name}" for name, words in titles.items() if f"reports/{release}/{name}" in keys}


@dataclass(frozen=True)
class Candidate:
    """What a reviewer needs to know. `warned`: names of the gates that warned or were overridden; `subject`: what is
    decided about; `promise`: the numbers of plan.json, none of an old release; `proof`: what came true of past ones."""

    release: str
    channel: str
    served: str
    metrics: Table
    gates: Table
    moves: Table
    links: Mapping[str, str]
    warned: tuple[str, ...]
    subject: Subject
    promise: Mapping[str, Any] = field(default_factory=dict)
    proof: str = ""


def examine_candidate(lake: Lake, release: str, channel: str) -> Candidate:
    """Read and verify the release and look up what is served. Raises ReleaseError when its files are not whole."""
    manifest = verify_release(lake, release)
    pointer = Channel(lake, channel).read()
    served = pointer.release if pointer else ""
    before = Manifest.from_json(lake.read(release_key(served, MANIFEST)).body) if served else None
    return Candidate(
        release,
        channel,
        served,
        compare_metrics(manifest.metrics, before.metrics if before else {}),
        list_checks(manifest.gates),
        biggest_moves(read_price_list(lake.read(release_key(release, PRICE_LIST)).body), MOVES),
        report_links(lake, release),
        warned(manifest.gates),
        subject_of(manifest, channel),
        manifest.metrics.get("plan", {}),
        proof_line(manifest.metrics["proof"]) if "slope" in manifest.metrics.get("proof", {}) else "",
    )


def compare_metrics(new: Mapping[str, Any], old: Mapping[str, Any]) -> Table:
    """A row per model and measure: the candidate's and the served release's value, None where there is none."""
    return [
        {"model": model, "measure": name, "candidate": values.get(name), "served": _of(old, model, name)}
        for model, values in new.get("models", {}).items()
        for name in MEASURES
    ]


def list_checks(gates: Mapping[str, Any]) -> Table:
    """A row per check that any gate made, those that made a verdict first."""
    rows = [
        {"gate": gate} | {name: check[name] for name in OF_CHECK} | {name: check.get(name, "") for name in SAID}
        for gate in GATES
        for check in gates.get(gate, {}).get("checks", [])
    ]
    return sorted(rows, key=lambda row: ("block", "warn", "ok").index(row["status"]))


def _of(metrics: Mapping[str, Any], model: str, name: str) -> float | None:
    value = metrics.get("models", {}).get(model, {}).get(name)
    return None if value is None else float(value)


def compare_releases(lake: Lake, first: str, second: str) -> tuple[Table, Table]:
    """How two releases differ: a row per measure of the whole, and the prices that differ, the dearest first.

    Raises ReleaseError when the lake has not both.
    """
    pair = [read_manifest(lake, release) for release in (first, second)]
    rows = [{"what": what, first: old, second: new} for (what, old), (_, new) in zip(*map(_facts, pair), strict=True)]
    lists = [read_price_list(lake.read(release_key(one.id, PRICE_LIST)).body) for one in pair]
    return rows, differing_prices(*lists)


def _facts(manifest: Manifest) -> list[tuple[str, Any]]:
    """What one compares two releases by, in an order that is the same for all."""
    plan, network = manifest.metrics.get("plan", {}), manifest.metrics.get("models", {}).get("network", {})
    gates = {f"gate {gate}": manifest.gates.get(gate, {}).get("status") for gate in GATES}
    return [
        ("created", manifest.created),
        *gates.items(),
        *((f"plan: {name}", plan.get(name)) for name in ("moved", "skus", "uplift", "uplift_low", "uplift_high")),
        *((f"network: {name}", network.get(name)) for name in MEASURES),
    ]


def differing_prices(old: pl.DataFrame, new: pl.DataFrame) -> Table:
    """Items whose recommended price differs or that only one list has, those with the most sales first."""
    keys = ["stock_code", "store"]
    both = old.select(*keys, before="optimal_price").join(
        new.select(*keys, "description", "expected_sales", after="optimal_price"),
        on=keys, how="full", coalesce=True, nulls_equal=True,
    )  # fmt: skip
    differ = both.filter(pl.col("before").ne_missing(pl.col("after")))
    named = keys if both["store"].count() else keys[:1]
    columns = (*named, "description", "before", "after")
    return differ.sort("expected_sales", descending=True, nulls_last=True).select(columns).to_dicts()
