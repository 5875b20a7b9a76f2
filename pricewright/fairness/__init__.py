"""Is every segment served alike? Error, bias, intervals, prices and what drives the predictions, segment by segment."""

from pricewright.fairness.gate import Fairness, assess_fairness
from pricewright.fairness.pictures import draw_fairness

__all__ = ["Fairness", "assess_fairness", "draw_fairness"]
