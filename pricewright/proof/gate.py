"""The proof gate: promises that the shop's own past does not bear out are shrunk, and stopped where it denies them."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from pricewright.proof.calibration import Proof, calibrate
from pricewright.verdict import Check, Verdict

NEVER = -1.0  # a threshold that no count and no share reaches
FEW = "too few price changes to prove anything"


def assess_proof(changes: pl.DataFrame, params: Mapping[str, Any]) -> tuple[Proof, Verdict]:
    """How the changes came out, and the verdict; `params` is the section `proof` of params.yaml."""
    proof = calibrate(changes, params)
    kind = {"regular": "changes of regular prices", "all": "price changes, temporary cuts included"}[proof.kind]
    count = float(proof.changes)
    if not proof.judged:
        few = Check("price_changes", count, NEVER, NEVER, kind, larger_is_worse=False, detail=FEW)
        return proof, Verdict("proof", (few,))
    checks = (
        Check("calibration_slope", proof.high, 1.0, float(params["block"]),
              "of the promised change, at most (95 %)", larger_is_worse=False),
        Check("price_changes", count, NEVER, NEVER, kind, larger_is_worse=False),
        Check("interval_coverage", proof.coverage, float(params["coverage"]), NEVER,
              "of the changes inside their 90 % interval", larger_is_worse=False),
    )  # fmt: skip
    return proof, Verdict("proof", checks, _hint(checks[0]))


def _hint(slope: Check) -> str:
    if slope.status != "block":
        return ""
    return (
        "the effects of prices that were learned did not show in the price changes of the last weeks: look at "
        "work/proof/price_changes.png; look for stock-outs or a feed without promotions, or lower proof.block."
    )
