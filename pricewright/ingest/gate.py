"""The ingest gate: what Great Expectations finds in the transactions and in the counts, as a verdict."""

import logging
import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from pricewright.core.errors import ParameterError, SourceError
from pricewright.ingest.rules import CANCELLATION, FAR, NO_PRODUCT, UNMATCHED, Counts
from pricewright.verdict import Check, Verdict

SUITE = "transactions"
NEEDED = ("invoice", "stock_code", "invoice_time", "unit_price", "quantity", "units")
# What holds for every accepted transaction, whatever file it came from: the promise, and when a row breaks it.
PROMISES: dict[str, pl.Expr] = {
    **{f"{name} is given": pl.col(name).is_null() for name in NEEDED},
    "unit_price is given": pl.col("unit_price").is_null() | pl.col("unit_price").is_nan(),
    "unit_price is above zero": pl.col("unit_price") <= 0,
    "quantity is above zero, or zero with in_stock known": (pl.col("quantity") <= 0)
    & ((pl.col("quantity") < 0) | pl.col("in_stock").is_null()),
    "units are not negative": pl.col("units") < 0,
    "units are at most the quantity": pl.col("units") > pl.col("quantity"),
}
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
    "quarantined_share": "look at the quarantine: it says why each row is not a sale.",  # or see below
    "unreadable_share": "are dates and numbers written alike in all files?",
    "duplicate_share": "was the same period exported more than once? of rows per unit: ingest.equal_rows=lines.",
    "unmatched_cancellation_share": "does the file begin long enough before the sales that are cancelled?",
    "guest_share": "most rows name no customer: if the file does, name the column, --column customer_id=NAME.",
    "skus": "so few products teach little of each other: is it the column of the codes? else --column stock_code=NAME.",
    "weeks": "half a year is the least for a demand curve, a year and more is good: add the exports of earlier weeks.",
}
TAKES_BACK = (
    "do these invoices take back? if they sell, set ingest.cancellation_invoice to the pattern of those that do, or to "
    '"" where none does; a negative quantity always takes back.'
)
# What to do about the most frequent reason of the quarantine.
REASON_HINTS = {
    NO_PRODUCT: "do these codes sell products? if so, take them out of ingest.not_products (or set it to []), or let "
    "ingest.product_code match them.",
    CANCELLATION: TAKES_BACK,
    UNMATCHED: TAKES_BACK,
    FAR: "are days and months read in the right order (ingest.day_first)? if so, raise ingest.largest_gap_days.",
    "quantity is zero": "is it the column of the quantities? another one: --column quantity=NAME.",
    "quantity not plausible": "is it the column of the quantities? another one: --column quantity=NAME; if it is, "
    "raise ingest.largest_quantity_ratio.",
    "price not plausible": "is it the column of the prices of one unit? another one: --column unit_price=NAME; if it "
    "is, raise ingest.largest_price_ratio.",
    "price not above zero": "is it the column of the prices of one unit? another one: --column unit_price=NAME.",
    "stock adjustment": "are these sales? a negative quantity without a price is taken for a count of the stock.",
    "empty row": "does the file hold a table? export it again, as CSV.",
    **{
        f"{lack} {kind}": f"{lack} {kind} in most rows: name the right column, --column {word}=NAME."
        for kind, word in (("date", "invoice_time"), ("quantity", "quantity"), ("price", "unit_price"))
        for lack in ("no", "unreadable")
    },
    "no stock code": "name the column of the codes, --column stock_code=NAME; codes such as `none` and `n/a` stand for "
    "no code (ingest.missing_values).",
    "no invoice": "name the column of the invoices, --column invoice=NAME, or export it for all rows.",
}


@dataclass(frozen=True)
class Observed:
    """What was seen of one expectation; NaN where it could not run."""

    value: float
    met: bool


@dataclass(frozen=True)
class Limit:
    """A measured value and the one at which it blocks."""

    value: float
    block: float
    larger_is_worse: bool


def broken_promises(accepted: pl.DataFrame) -> dict[str, int]:
    """How many accepted rows break each promise; counted per week, for no history fits into one frame of pandas."""
    return accepted.select(breaks.sum().alias(name) for name, breaks in PROMISES.items()).row(0, named=True)


def observe(
    broken: Sequence[Mapping[str, int]], limits: Mapping[str, Limit]
) -> tuple[dict[str, Observed], dict[str, Observed]]:
    """Accepted rows that break each promise of a transaction, and the measures, each with what was expected of them.

    broken: what broken_promises found in each part of the accepted rows.
    """
    with warnings.catch_warnings(action="ignore"):  # of its own imports, which our tests would take for errors
        os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
        import great_expectations as gx
        from great_expectations.data_context.types.base import ProgressBarsConfig

        logging.getLogger("great_expectations").setLevel(logging.WARNING)
        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = ProgressBarsConfig(globally=False)
        measured = pl.DataFrame([{name: limit.value for name, limit in limits.items()}])
        counted = pl.DataFrame(broken, schema=dict.fromkeys(PROMISES, pl.Int64))
        lines = _validate(gx, context, "lines", counted, _promises(gx.expectations))
        measures = _validate(gx, context, "measures", measured, _bounds(gx.expectations, limits))
    return _seen(lines), _seen(measures)


def _promises(expect: Any) -> dict[str, Any]:
    """No row of any part breaks a promise."""
    return {name: expect.ExpectColumnSumToBeBetween(column=name, min_value=0, max_value=0) for name in PROMISES}


def _bounds(expect: Any, limits: Mapping[str, Limit]) -> dict[str, Any]:
    """Each measure stays on the better side of the value at which it blocks."""
    return {
        name: expect.ExpectColumnMaxToBeBetween(column=name, max_value=limit.block, strict_max=True)
        if limit.larger_is_worse
        else expect.ExpectColumnMinToBeBetween(column=name, min_value=limit.block, strict_min=True)
        for name, limit in limits.items()
    }


def _validate(gx: Any, context: Any, name: str, frame: pl.DataFrame, expectations: Mapping[str, Any]) -> dict[str, Any]:
    """Every expectation's result, by the name it has here."""
    asset = context.data_sources.add_pandas(name).add_dataframe_asset(name)
    batch = asset.add_batch_definition_whole_dataframe(name).get_batch({"dataframe": frame.to_pandas()})
    for known_as, expectation in expectations.items():
        expectation.meta = {"name": known_as}
    found = batch.validate(gx.ExpectationSuite(SUITE, expectations=list(expectations.values())))
    return {result.expectation_config.meta["name"]: result for result in found.results}


def _seen(results: Mapping[str, Any]) -> dict[str, Observed]:
    """The observed value of every result, and whether the expectation was met."""
    return {
        name: Observed(float("nan"), False)
        if result.exception_info["raised_exception"]
        else Observed(float(result.result["observed_value"]), bool(result.success))
        for name, result in results.items()
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
    measured = {check.name: check for check in check_counts(counts, params)}
    limits = {name: Limit(check.value, check.block, check.larger_is_worse) for name, check in measured.items()}
    lines, measures = observe(broken, limits)
    checks = [_agreed(Check(name, seen.value, 1, 1, "accepted rows break it"), seen) for name, seen in lines.items()]
    checks += [_agreed(replace(measured[name], value=seen.value), seen) for name, seen in measures.items()]
    verdict = Verdict("ingest", tuple(checks))
    return replace(verdict, hint=next((check.hint for check in verdict.worst if check.hint), ""))


def check_counts(counts: Counts, params: Mapping[str, Any]) -> list[Check]:
    """The checks of all MEASURES, as `assess` has Great Expectations confirm them. Raises ParameterError."""
    thresholds = params["thresholds"]
    for name in MEASURES:
        if name not in thresholds:
            raise ParameterError(f"ingest.gate.thresholds has no {name}: every measure needs warn and block.")
    checks = []
    for name, value in measure(counts).items():
        (unit, larger_is_worse), limits = MEASURES[name], thresholds[name]
        warn, block = float(limits["warn"]), float(limits["block"])
        checks.append(Check(name, value, warn, block, unit, larger_is_worse, hint=_hint(name, counts)))
    return checks


def _hint(name: str, counts: Counts) -> str:
    """What to do about a measure; rows in quarantine are as many as their most frequent reason makes them."""
    most = next(iter(counts["reasons"]), "")
    return REASON_HINTS.get(most, HINTS[name]) if name == "quarantined_share" else HINTS[name]


def _agreed(check: Check, seen: Observed) -> Check:
    """The check, which blocks (its value is NaN) when Great Expectations does not see it as we do."""
    return check if (check.status != "block") == seen.met else replace(check, value=float("nan"))


def measure(counts: Counts) -> dict[str, float]:
    """The values of all MEASURES."""
    reasons = counts["reasons"]
    unreadable = sum(rows for reason, rows in reasons.items() if reason.startswith("unreadable"))
    unmatched = reasons.get("cancellation without sale", 0)
    guests = counts["rows_without_customer"] if counts["customers"] else 0  # a till that knows nobody is no lack
    return {
        "quarantined_share": counts["quarantined"] / counts["rows"],
        "unreadable_share": unreadable / counts["rows"],
        "duplicate_share": counts["duplicates"] / counts["rows"],
        "unmatched_cancellation_share": unmatched / max(unmatched + reasons.get("cancellation", 0), 1),
        "guest_share": guests / max(counts["accepted"], 1),
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
