"""The verdicts that promotion depends on: written by stages, read before a channel moves."""

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from inference.table import harmless
from pricewright.core.errors import GateBlocked
from pricewright.verdict import Verdict, shortened
from tasks.stage import Metrics
from tasks.workspace import Workspace

GATES = {"drift": "drift", "proof": "train", "fairness": "fairness"}  # the stage that writes each gate's verdict
LOOK = {
    "drift": "see work/drift/report.html.",
    "proof": "see work/proof/price_changes.png.",
    "fairness": "see work/fairness/parity.png.",
}
Verdicts = dict[str, dict[str, Any]]


def gates_of(stage: str) -> list[str]:
    """The gates whose verdict this stage writes."""
    return [gate for gate, writer in GATES.items() if writer == stage]


def write_verdict(at: Workspace, verdict: Verdict) -> Metrics:
    """work/<gate>/verdict.json for promotion, checks.csv for `dvc plots`; returns the numbers of the gate."""
    folder = at.work / verdict.gate
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
    return [
        f"{gate} {check['status']}s: {check['name']} is {check['value']:.4g} {check['unit']}".rstrip()
        + f"; it {check['status']}s at {check[check['status']]:g}. {check['hint'] or LOOK.get(gate, '')}".rstrip()
        for check in verdict["checks"]
        if check["status"] != "ok"
    ]


def verdict_notes(metrics: Metrics) -> list[str]:
    """What a stage that writes a verdict says below its line."""
    said: list[str] = metrics["warnings"]
    return said


def verdict_line(metrics: Metrics) -> str:
    """The status, and the check that made it so where it is not ok."""
    judged = f"{len(metrics['checks'])} checks"
    return f"ok, {judged}" if metrics["status"] == "ok" else f"{metrics['status']}, {judged}: {metrics['worst']}"


def read_verdicts(at: Workspace) -> Verdicts:
    """The verdict of every gate, by its name."""
    return {gate: json.loads((at.work / gate / "verdict.json").read_text()) for gate in GATES}


def pass_gates(verdicts: Mapping[str, Any], override: str) -> None:
    """Raises GateBlocked when a gate blocks, or did not speak, and nobody gave a reason to promote in spite of it."""
    silent = [gate for gate in GATES if gate not in verdicts]
    if silent:
        raise GateBlocked(
            f"not promoted: gate {silent[0]} has no verdict.", hint=f"pricewright stage {GATES[silent[0]]}."
        )
    blocked = [verdicts[gate] for gate in GATES if verdicts[gate]["status"] == "block"]
    if not blocked or override:
        return
    reasons = "; ".join(f"{verdict['gate']} blocks: {_worst(verdict)}" for verdict in blocked)
    ways = [str(verdict["hint"]) for verdict in blocked if verdict["hint"]]
    ways += [
        f"read work/{blocked[0]['gate']}/.",
        'to promote in spite of it: pricewright run ... --param promote.override="why"; the manifest records it.',
    ]
    raise GateBlocked(f"not promoted, the channel stays as it was. {reasons}.", hint=" ".join(ways))


def _worst(verdict: dict[str, Any]) -> str:
    checks = [check for check in verdict["checks"] if check["status"] == "block"]
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
