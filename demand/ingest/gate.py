"""The ingest gate: what Great Expectations finds in the accepted transactions and in the counts, as a verdict."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import polars as pl

from demand.errors import ParameterError, SourceError
from demand.ingest.expectations import Limit, Observed, observe
from demand.verdict import Check, Verdict

if TYPE_CHECKING:
    from demand.ingest.intake import Ingested

# What can be measured, its unit, and whether more of it is worse.
MEASURES = {
    "quarantined_share": ("of the rows read", True),
    "unreadable_share": ("of the rows read", True),
    "duplicate_share": ("of the rows read", True),
    "unmatched_cancellation_share": ("of the cancellations", True),
    "guest_share": ("of the accepted rows", True),
    "skus": ("SKUs", False),
    "weeks": ("weeks with sales", False),
}
HINTS = {
    "quarantined_share": "do ingest.not_products and ingest.cancellation_invoice in params.yaml suit this shop?",
    "unreadable_share": "are dates and numbers written alike in all files?",
    "duplicate_share": "was the same period exported more than once?",
    "unmatched_cancellation_share": "does the file begin long enough before the sales that are cancelled?",
    "guest_share": "is the column of the customers the right one?",
    "skus": "is the column of the stock codes the right one?",
    "weeks": "a product needs at least so many weeks of sales for a curve: give a longer period.",
}


def pass_gate(found: "Ingested", params: Mapping[str, Any], name: str) -> "Ingested":
    """`found`, with the verdict in its counts under `gate`. Raises SourceError when the gate blocks."""
    verdict = assess(found, params)
    if verdict.status == "block":
        reasons = ", ".join(f"{reason} {rows:,}" for reason, rows in found.counts["reasons"].items())
        raise SourceError(
            f"{name} does not pass the ingest gate: {'; '.join(str(check) for check in verdict.worst)}. "
            f"Of {found.counts['rows']:,} rows, {found.counts['accepted']:,} are accepted and "
            f"{found.counts['duplicates']:,} duplicates; quarantined: {reasons or 'none'}{_first_rejected(found)}.",
            verdict.hint,
        )
    return replace(found, counts=found.counts | {"gate": verdict.as_dict()})


def assess(found: "Ingested", params: Mapping[str, Any]) -> Verdict:
    """The verdict on accepted transactions and counts. Raises ParameterError when a threshold is missing."""
    thresholds = params["thresholds"]
    for name in MEASURES:
        if name not in thresholds:
            raise ParameterError(f"ingest.gate.thresholds has no {name}: every measure needs warn and block.")
    limits = {
        name: Limit(value, float(thresholds[name]["block"]), MEASURES[name][1])
        for name, value in measure(found).items()
    }
    lines, measures = observe(found.accepted, limits)
    checks = [_agreed(Check(name, seen.value, 1, 1, "accepted rows break it"), seen) for name, seen in lines.items()]
    for name, seen in measures.items():
        unit, larger_is_worse = MEASURES[name]
        warn, block = float(thresholds[name]["warn"]), limits[name].block
        checks.append(_agreed(Check(name, seen.value, warn, block, unit, larger_is_worse), seen))
    verdict = Verdict("ingest", tuple(checks))
    return replace(verdict, hint=next((HINTS[check.name] for check in verdict.worst if check.name in HINTS), ""))


def _agreed(check: Check, seen: Observed) -> Check:
    """The check, which blocks (its value is NaN) when Great Expectations does not see it as we do."""
    return check if (check.status != "block") == seen.met else replace(check, value=float("nan"))


def measure(found: "Ingested") -> dict[str, float]:
    """The values of all MEASURES."""
    counts, reasons = found.counts, found.counts["reasons"]
    unreadable = sum(rows for reason, rows in reasons.items() if reason.startswith("unreadable"))
    unmatched = reasons.get("cancellation without sale", 0)
    return {
        "quarantined_share": counts["quarantined"] / counts["rows"],
        "unreadable_share": unreadable / counts["rows"],
        "duplicate_share": counts["duplicates"] / counts["rows"],
        "unmatched_cancellation_share": unmatched / max(unmatched + reasons.get("cancellation", 0), 1),
        "guest_share": counts["rows_without_customer"] / max(counts["accepted"], 1),
        "skus": counts["skus"],
        "weeks": counts["weeks"],
    }


def _first_rejected(found: "Ingested") -> str:
    """Where the most frequent reason came up first."""
    if found.quarantined.is_empty():
        return ""
    reason = next(iter(found.counts["reasons"]))
    first = found.quarantined.filter(pl.col("reason") == reason).row(0, named=True)
    detail = f", {first['detail']}" if first["detail"] else ""
    return f" (first {reason}: row {first['row']} of {first['source']}{detail})"
