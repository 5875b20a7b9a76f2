"""Has the shop changed, or is the feed broken? The newest weeks held against the ones a release learnt from."""

from pricewright.drift.gate import assess_drift

__all__ = ["assess_drift"]
