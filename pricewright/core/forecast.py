"""What a model says about units: one array per measure, so that each measure judges its own prediction."""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Forecast:
    """Predicted weekly units of n rows; every array has shape (n,).

    mean: expected units (bias and prices are judged on it); median (MAE, WAPE); log1p: mean of
    log(1 + units) (RMSLE); low and high: the 5 % and 95 % quantiles.
    """

    mean: Floats
    median: Floats
    log1p: Floats
    low: Floats
    high: Floats

    def __len__(self) -> int:
        return len(self.mean)

    def __getitem__(self, rows: NDArray[np.bool_]) -> "Forecast":
        """The marked rows only."""
        return Forecast(*(getattr(self, field.name)[rows] for field in fields(self)))

    @classmethod
    def concatenate(cls, parts: "list[Forecast]") -> "Forecast":
        """The rows of all parts, one after the other."""
        return cls(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(cls)))
