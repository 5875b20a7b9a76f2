"""The network as the release holds it: an ONNX session that turns prices into units per draw."""

from collections.abc import Callable

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from demand.price_features import log_price_ratio

Floats = NDArray[np.float64]


class NetworkSession:
    """Wraps the bytes of `network.onnx`; one thread, since one SKU's curve is a small matter."""

    def __init__(self, model: bytes) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def units(
        self, features: NDArray[np.float32], effects: NDArray[np.float32], prices: Floats, reference: float
    ) -> Floats:
        """Expected units of one SKU at n prices per posterior draw, (n, S); features (k,), effects (e,)."""
        ratio = log_price_ratio(prices, reference).astype(np.float32)
        feed = {"features": features[None], "effects": effects[None], "log_price_ratio": ratio}
        return np.asarray(self.session.run(["units"], feed)[0], dtype=np.float64)

    def units_at(
        self, features: NDArray[np.float32], effects: NDArray[np.float32], reference: float
    ) -> Callable[[Floats], Floats]:
        """The same as a function of the prices alone."""
        return lambda prices: self.units(features, effects, prices, reference)
