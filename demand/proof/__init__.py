"""The shop's own past as a proof: real price changes that the curves had not seen, and what came of them."""

from demand.proof.calibration import Proof, calibrate
from demand.proof.changes import price_changes
from demand.proof.draw import draw_changes
from demand.proof.gate import assess_proof

__all__ = ["Proof", "assess_proof", "calibrate", "draw_changes", "price_changes"]
