"""Families of a release: who competes with whom, what is known of their demand, what may be asked for each product."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np

from inference.rules import Rules
from inference.zones import LONGEST, NEAR
from pricewright.core.content import NET_SHARE, has_rules
from pricewright.core.decision import Terms
from pricewright.core.errors import UnknownSku
from pricewright.core.plan import Product as Offered
from pricewright.core.plan import offer
from pricewright.core.substitution import ARRAYS, Posterior, Whole
from pricewright.core.what_if import Shop

OFFERED = ("current_price", "guardrail_low", "guardrail_high", "unit_cost")


class Families:
    """Over the arrays of a catalog that holds a plan; rows are read when they are asked for."""

    def __init__(self, arrays: Mapping[str, Any]) -> None:
        self._arrays = arrays
        self.rules = Rules(arrays) if has_rules(arrays) else None

    def members(self, index: int) -> Whole:
        """The indices of a product's family, its own among them, ascending."""
        order, numbers = self._sorted
        number = int(self._arrays["demand_family"][index])
        first, last = np.searchsorted(numbers, [number, number + 1])
        return order[first:last]

    def posterior(self, indices: Whole) -> Posterior:
        """What is known of some products' demand."""
        return Posterior(*(np.stack([self._arrays[name][int(index)] for index in indices]) for name in ARRAYS))

    def offered(self, index: int, terms: Terms, lowest: float = 0.0, highest: float = np.inf) -> Offered:
        """What may be asked for a product under these terms, from `lowest` to `highest`.

        Sales count for profit where the unit cost is not known.
        """
        current, low, high, cost = (float(self._arrays[name][index]) for name in OFFERED)
        kept = min(max(current, low), high)  # a hard limit holds for the price that stays as well
        low, high = max(low, lowest), min(high, highest)
        paid = cost if terms.objective == "profit" and np.isfinite(cost) else 0.0
        terms = self.rules.terms(index, terms) if self.rules else terms
        fixed, net = bool(self._arrays["fixed"][index]), self.net(index)
        return offer(current, low, high, terms, paid, fixed=fixed, kept=kept, net=net)

    def net(self, index: int) -> float:
        """What tax leaves of a product's price, as a share; 1 where its rate is not known, or prices are without it."""
        return float(self._arrays[NET_SHARE][index]) if NET_SHARE in self._arrays else 1.0

    def category(self, name: str) -> Whole:
        """The indices of the products of a category. Raises UnknownSku with near matches."""
        named = np.asarray(self._arrays["list_family"])
        for same in (named == name, np.char.upper(named) == name.strip().upper()):
            indices = np.flatnonzero(same & (named != ""))  # numpy takes a text of NULs for an empty one
            if len(indices):
                return indices
        near = self._near(name[:LONGEST])
        raise UnknownSku(f"category {name[:LONGEST]!r} is in no price list.", hint=_hint(near))

    @cached_property
    def shop(self) -> Shop:
        """All products, for what they would sell at other prices."""
        current, low, high, cost = (np.asarray(self._arrays[name]) for name in OFFERED)
        net = np.asarray(self._arrays[NET_SHARE]) if NET_SHARE in self._arrays else None
        return Shop(Posterior.from_arrays(self._arrays), current, low, high, net=net, cost=cost)

    @cached_property
    def _sorted(self) -> tuple[Whole, Whole]:
        """The indices in order of their family's number, and those numbers."""
        numbers = np.asarray(self._arrays["demand_family"])
        order = np.argsort(numbers, kind="stable")
        return order, numbers[order]

    def _near(self, name: str) -> list[str]:
        import difflib

        known = [text for text in np.unique(np.asarray(self._arrays["list_family"])).tolist() if text]
        return difflib.get_close_matches(name.strip().upper(), known[:2000], NEAR, 0.5) or known[:NEAR]


def _hint(near: list[str]) -> str:
    return f"there is {', '.join(near)}." if near else "this release has no categories; name SKUs."
