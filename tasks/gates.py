"""The gates that promotion depends on: their verdicts are written by stages, and read before a channel moves."""

import csv
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pricewright.core.errors import GateBlocked
from pricewright.core.spreadsheet import harmless
from pricewright.registry import Registry
from pricewright.verdict import Verdict, shortened
from tasks.workspace import Workspace

Metrics = dict[str, Any]
Verdicts = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Report:
    """A file for people in a gate's folder: its name there, its name beside a release, and what it shows."""

    file: str
    published: str
    title: str


@dataclass(frozen=True)
class Gate:
    """What may stop promotion. `stage`: whose work makes the verdict, in work/<name>/; `reports`: the main one first.

    judge: asked for the verdict when the stage's work is done; None where the stage writes it itself.
    """

    name: str
    stage: str
    reports: tuple[Report, ...] = ()
    judge: Callable[[Workspace], Verdict] | None = None

    @property
    def look(self) -> str:
        """The file that shows most of it."""
        return f"work/{self.name}/{self.reports[0].file if self.reports else 'checks.csv'}"


GATES: Registry[Gate] = Registry(
    "gate",
    Gate("drift", "drift", (Report("report.html", "drift.html", "drift (Evidently)"),)),
    Gate(
        "proof", "train", (Report("price_changes.png", "price_changes.png", "past price changes against the curves"),)
    ),
    Gate(
        "fairness",
        "fairness",
        (
            Report("parity.png", "parity.png", "parity over segments"),
            Report("attributions.png", "attributions.png", "attributions (SHAP)"),
        ),
    ),
    reserved=("override",),  # its neighbour in the manifest
)


def gates_of(stage: str) -> list[str]:
    """The gates whose verdict this stage writes."""
    return [gate.name for gate in GATES.values() if gate.stage == stage]


def judge_gates(stage: str, workspace: Workspace) -> dict[str, Metrics]:
    """Write the verdicts that are asked for after the work of this stage; the numbers of each gate, by its name."""
    return {
        gate.name: write_verdict(workspace, gate.judge(workspace))
        for gate in GATES.values()
        if gate.stage == stage and gate.judge
    }


def judged_notes(stage: str, metrics: Metrics) -> list[str]:
    """What those gates say below the line of the stage."""
    return [note for gate in gates_of(stage) if GATES[gate].judge for note in verdict_notes(metrics[gate])]


def write_verdict(workspace: Workspace, verdict: Verdict) -> Metrics:
    """work/<gate>/verdict.json for promotion, checks.csv for `dvc plots`; returns the numbers of the gate."""
    folder = workspace.work / verdict.gate
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "verdict.json").write_text(json.dumps(verdict.as_dict(), indent=2) + "\n")
    _write_checks(folder / "checks.csv", verdict)
    return {
        "status": verdict.status,
        "worst": str(verdict.worst[0]) if verdict.worst else "nothing was checked",
        "checks": {check.name: check.value for check in verdict.checks},
        "warnings": warnings(verdict.as_dict()),
    }


def warnings(verdict: Mapping[str, Any]) -> list[str]:
    """A line per check that is not ok: its value, the limit, and what to do or where to look."""
    gate = verdict["gate"]
    look = f"see {GATES[gate].look}." if gate in GATES else ""
    return [
        f"{gate} {check['status']}s: {check['name']} is {check['value']:.4g} {check['unit']}".rstrip()
        + f"; it {check['status']}s at {check[check['status']]:g}. {check['hint'] or look}".rstrip()
        for check in verdict["checks"]
        if check["status"] != "ok"
    ]


def verdict_notes(metrics: Metrics) -> list[str]:
    """What a stage that writes a verdict says below its line."""
    lines: list[str] = metrics["warnings"]
    return lines


def verdict_line(metrics: Metrics) -> str:
    """The status, and the check that made it so where it is not ok."""
    judged = f"{len(metrics['checks'])} checks"
    return f"ok, {judged}" if metrics["status"] == "ok" else f"{metrics['status']}, {judged}: {metrics['worst']}"


def read_verdicts(workspace: Workspace) -> Verdicts:
    """The verdict of every gate that has one, by its name."""
    paths = {gate: workspace.work / gate / "verdict.json" for gate in GATES}
    return {gate: json.loads(path.read_text()) for gate, path in paths.items() if path.exists()}


def pass_gates(verdicts: Mapping[str, Any], override: str) -> None:
    """Raises GateBlocked when a gate blocks, or did not speak, and nobody gave a reason to promote in spite of it."""
    _refuse_silent(verdicts)
    refuse_blocked(verdicts, override)


def warned(verdicts: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of the gates that did not say ok, or nothing."""
    return tuple(name for name in GATES if verdicts.get(name, {}).get("status") != "ok")


def _refuse_silent(verdicts: Mapping[str, Any]) -> None:
    silent = [gate for gate in GATES if gate not in verdicts]
    if silent:
        raise GateBlocked(
            f"not promoted: gate {silent[0]} has no verdict.", hint=f"pricewright stage {GATES[silent[0]].stage}."
        )


def refuse_blocked(verdicts: Mapping[str, Any], override: str) -> None:
    """As pass_gates, of the gates that spoke: older releases know fewer of them."""
    blocked = {name: verdicts[name] for name in GATES if verdicts.get(name, {}).get("status") == "block"}
    if not blocked or override:
        return
    reasons = "; ".join(f"{name} blocks: {_worst(verdict)}" for name, verdict in blocked.items())
    ways = [str(verdict["hint"]) for verdict in blocked.values() if verdict.get("hint")]
    ways += [
        f"read work/{next(iter(blocked))}/.",
        'to promote in spite of it: pricewright run ... --param promote.override="why"; the manifest records it.',
    ]
    raise GateBlocked(f"not promoted, the channel stays as it was. {reasons}.", hint=" ".join(ways))


def _worst(verdict: dict[str, Any]) -> str:
    checks = [check for check in verdict.get("checks", ()) if check["status"] == "block"]
    shown = [_exceeded(check) for check in checks[:3]]
    more = f" and {len(checks) - 3} more" if len(checks) > 3 else ""
    return ", ".join(shown) + more if shown else "nothing was checked"


def _exceeded(check: dict[str, Any]) -> str:
    """The value, what it counted and the limit; verdicts of old releases have no detail."""
    detail = check.get("detail", "")
    named = f" ({shortened(detail)})" if detail else ""
    return f"{check['name']} is {check['value']:.4g}{named}, the limit is {check['block']:g}"


def _write_checks(path: Path, verdict: Verdict) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["check", "value", "warn", "block", "status", "detail"])
        for check in verdict.checks:
            numbers = check.value, check.warn, check.block
            writer.writerow([harmless(check.name), *numbers, check.status, harmless(check.detail)])
