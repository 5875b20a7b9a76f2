"""The ingest gate: what Great Expectations finds in the accepted transactions and in the counts, as a verdict."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pricewright.core.errors import ParameterError, SourceError
from pricewright.ingest.counts import Counts
from pricewright.ingest.expectations import Limit, Observed, observe
from pricewright.verdict import Check, Verdict

FirstRejected = Callable[[str], tuple[int, str, str | None]]  # row, source and detail of a reason's first row

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


def pass_gate(
    counts: Counts, broken: Sequence[Mapping[str, int]], params: Mapping[str, Any], name: str, first: FirstRejected
) -> Counts:
    """The counts with the verdict under `gate`. Raises SourceError when the gate blocks.

    broken: what broken_promises found in each part of the accepted rows; first: where a reason came up first.
    """
    verdict = assess(counts, broken, params)
    if verdict.status == "block":
        reasons = ", ".join(f"{reason} {rows:,}" for reason, rows in counts["reasons"].items())
        raise SourceError(
            f"{name} does not pass the ingest gate: {'; '.join(str(check) for check in verdict.worst)}. "
            f"Of {counts['rows']:,} rows, {counts['accepted']:,} are accepted and "
            f"{counts['duplicates']:,} duplicates; quarantined: {reasons or 'none'}{_first_rejected(counts, first)}.",
            verdict.hint,
        )
    return counts | {"gate": verdict.as_dict()}


def assess(counts: Counts, broken: Sequence[Mapping[str, int]], params: Mapping[str, Any]) -> Verdict:
    """The verdict on accepted transactions and counts. Raises ParameterError when a threshold is missing."""
    thresholds = params["thresholds"]
    for name in MEASURES:
        if name not in thresholds:
            raise ParameterError(f"ingest.gate.thresholds has no {name}: every measure needs warn and block.")
    limits = {
        name: Limit(value, float(thresholds[name]["block"]), MEASURES[name][1])
        for name, value in measure(counts).items()
    }
    lines, measures = observe(broken, limits)
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


def measure(counts: Counts) -> dict[str, float]:
    """The values of all MEASURES."""
    reasons = counts["reasons"]
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


def _first_rejected(counts: Counts, first: FirstRejected) -> str:
    """Where the most frequent reason came up first."""
    if not counts["reasons"]:
        return ""
    reason = next(iter(counts["reasons"]))
    row, source, detail = first(reason)
    return f" (first {reason}: row {row} of {source}{f', {detail}' if detail else ''})"
