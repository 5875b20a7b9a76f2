"""What rules leave of a single price: its endings and its smallest step. Its limits are in its guardrail."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from pricewright.core.content import RULES
from pricewright.core.decision import Terms, ends_so


class Rules:
    """Over the arrays of a catalog; rows are read when they are asked for."""

    def __init__(self, arrays: Mapping[str, Any]) -> None:
        self._endings, self._step, self._binding, self._between = (arrays[name] for name in RULES)

    def terms(self, index: int, terms: Terms) -> Terms:
        """The terms of one item: endings that a rule names go before the usual ones, and hold always."""
        endings = np.asarray(self._endings[index])
        endings = endings[~np.isnan(endings)]
        if len(endings):
            terms = terms._replace(endings=tuple(endings.tolist()), strict=True)
        return terms._replace(smallest_step=float(self._step[index]))

    def broken(self, index: int, price: float, current: float) -> list[str]:
        """What a new price of one item breaks: endings, smallest_step."""
        terms = self.terms(index, Terms())
        ended = not terms.strict or bool(ends_so(np.array([price]), terms.endings)[0])
        wide = abs(price / current - 1) >= terms.smallest_step - 1e-9
        return [name for name, kept in (("endings", ended), ("smallest_step", wide)) if not kept]

    def binding(self, index: int) -> str:
        """The rules that bind the planned price; empty for none."""
        return str(self._binding[index])

    def not_judged(self, index: int) -> str:
        """A note for a price that the plan did not choose; empty where no rule between items is about it."""
        between = str(self._between[index])
        return f"; rules between items are not judged for a single price: {between}" if between else ""
