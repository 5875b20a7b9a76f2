"""A candidate: a release that waits for a person's decision, beside the one that is served now."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from blocks.channel import Channel
from blocks.lake import Lake
from pricewright.core.release.manifest import MANIFEST, PRICE_LIST, Manifest
from tasks.gates import GATES
from tasks.movers import biggest_moves, read_price_list
from tasks.releases import verify_release
from tasks.reports import report_links

MOVES = 10
MEASURES = ("wape", "rmsle", "bias", "coverage")
OF_CHECK = ("name", "value", "warn", "block", "status")
Table = list[dict[str, Any]]


@dataclass(frozen=True)
class Candidate:
    """What a reviewer needs to know. `warned`: names of the gates that warned or were overridden."""

    release: str
    channel: str
    served: str
    metrics: Table
    gates: Table
    moves: Table
    links: Mapping[str, str]
    warned: tuple[str, ...]


def examine_candidate(lake: Lake, release: str, channel: str) -> Candidate:
    """Read and verify the release and look up what is served. Raises ReleaseError when its files are not whole."""
    manifest = verify_release(lake, release)
    pointer = Channel(lake, channel).read()
    served = pointer.release if pointer else ""
    before = Manifest.from_json(lake.read(f"releases/{served}/{MANIFEST}").body) if served else None
    return Candidate(
        release,
        channel,
        served,
        compare_metrics(manifest.metrics, before.metrics if before else {}),
        list_checks(manifest.gates),
        biggest_moves(read_price_list(lake.read(f"releases/{release}/{PRICE_LIST}").body), MOVES),
        report_links(lake, release),
        tuple(name for name in GATES if manifest.gates.get(name, {}).get("status") != "ok"),
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
        {"gate": gate, **{name: check[name] for name in OF_CHECK}, "detail": check.get("detail", "")}
        for gate in GATES
        for check in gates.get(gate, {}).get("checks", [])
    ]
    return sorted(rows, key=lambda row: ("block", "warn", "ok").index(row["status"]))


def _of(metrics: Mapping[str, Any], model: str, name: str) -> float | None:
    value = metrics.get("models", {}).get(model, {}).get(name)
    return None if value is None else float(value)
