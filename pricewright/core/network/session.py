"""The network as the release holds it: units per posterior draw at any price, computed in numpy from the ONNX file."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pricewright.core.network.graph import Graph
from pricewright.core.price_features import log_price_ratio

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Prepared = Sequence[NDArray[Any]]  # what one SKU needs for any price


class NetworkSession:
    """Wraps the bytes of `network.onnx`. Raises UnknownGraph for a graph that only ONNX Runtime knows."""

    def __init__(self, model: bytes) -> None:
        self._graph = Graph(model)

    def refuse_huge(self, features: int, effects: int, rows: int, prices: int) -> None:
        """Raise UnknownGraph when rows prepared together, or prices of one, make more values than memory holds."""
        self._graph.refuse_huge(features, effects, rows, prices)

    def prepare(self, features: Singles, effects: Singles) -> Sequence[Prepared]:
        """What no price changes, once for r SKUs: features (r, k), effects (r, e)."""
        return self._graph.prepare(features, effects)

    def prepared_units(
        self, prepared: Prepared, prices: Floats, reference: float, until: float = float("inf")
    ) -> Singles:
        """Expected units at n prices per posterior draw, (n, S), of the SKU that was prepared.

        Raises TimeoutError when time.perf_counter() passes `until`.
        """
        return self._graph.units(prepared, log_price_ratio(prices, reference), until)

    def units(self, features: Singles, effects: Singles, prices: Floats, reference: float) -> Singles:
        """The same for one SKU, from its features (k,) and effects (e,)."""
        return self.prepared_units(self.prepare(features[None], effects[None])[0], prices, reference)

    def units_at(self, features: Singles, effects: Singles, reference: float) -> Callable[[Floats], Singles]:
        """The same as a function of the prices alone."""
        prepared = self.prepare(features[None], effects[None])[0]
        return lambda prices: self.prepared_units(prepared, prices, reference)
