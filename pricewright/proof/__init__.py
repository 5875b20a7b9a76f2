"""The shop's own past as a proof: real price changes that the curves had not seen, and what came of them."""

from pricewright.proof.changes import price_changes
from pricewright.proof.gate import Proof, assess_proof, calibrate, draw_changes

__all__ = ["Proof", "assess_proof", "calibrate", "draw_changes", "price_changes"]
