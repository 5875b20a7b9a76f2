"""A SKU's family: the codes that begin alike (85123A, 85123B, 85124C). Ranges are listed together and sell together."""

import numpy as np
from numpy.typing import NDArray

from pricewright.feature.past import Floats, Look, Past, before, mean_before, momentum

FAMILY: dict[str, Look] = {
    "family_log_units_lag_1": before("mean_log_units"),
    "family_log_units_mean_4": mean_before("mean_log_units", 4),
    "family_units_momentum_2_8": momentum("mean_log_units", 2, 8),
}
DEPTH = {"mean_log_units": 8}
MILLIONTHS = 1_000_000  # whole numbers add up to the same sum in any order, so that every run gives the same bits


class Families:
    """What the families of n SKUs sold so far; counts every SKU, also those that the panel will not keep."""

    def __init__(self, codes: list[str], code_length: int) -> None:
        names = [code[:code_length] for code in codes]
        found, self._of = np.unique(np.array(names, dtype=np.str_), return_inverse=True)
        self._past = Past(DEPTH, len(found))

    def add(self, log_units: Floats, age: NDArray[np.int64]) -> None:
        """A week is over: log units and age of every SKU after it."""
        there = age > 0
        millionths = np.where(there, np.round(log_units * MILLIONTHS), 0.0)
        members = np.bincount(self._of, there, len(self._past.age))
        total = np.bincount(self._of, millionths, len(self._past.age))
        oldest = np.zeros(len(self._past.age), np.int64)
        np.maximum.at(oldest, self._of, age)
        self._past.add({"mean_log_units": total / np.maximum(members, 1) / MILLIONTHS}, oldest)

    def features(self) -> dict[str, Floats]:
        """FAMILY of each SKU's family."""
        return {name: look(self._past)[self._of] for name, look in FAMILY.items()}
