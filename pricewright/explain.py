"""The models of a release as functions of rows, so that the fairness gate can ask them why."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from pricewright.core.models import NETWORK

Singles = NDArray[np.float32]
Model = Callable[[Singles], NDArray[np.float64]]
BLOCK = 4096  # rows at once: the network answers with one column per posterior draw
PRICES = 3  # the last columns of a row: PRICE_FEATURES, the first of which is the log price ratio


def open_models(models: Mapping[str, bytes], effects: Singles) -> dict[str, Model]:
    """Callables from rows X|P, float32 (n, k + 3), to log(1 + units), (n,).

    effects: (m, 12) of the SKUs of the release; the network is asked with the mean of them, so that what it says
    depends on the row alone.
    """
    opened: dict[str, Model] = {}
    for name, model in models.items():
        opened[name] = _network(model, effects) if name == NETWORK else _backup(model)
    return opened


def _network(model: bytes, effects: Singles) -> Model:
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    usual = effects.mean(axis=0, keepdims=True).astype(np.float32)
    # The graph takes 1 or n rows of either input, but of both as many.

    def predict(rows: Singles) -> NDArray[np.float64]:
        blocks = [rows[start : start + BLOCK] for start in range(0, len(rows), BLOCK)]
        return np.concatenate([_log_units(session, block, np.repeat(usual, len(block), axis=0)) for block in blocks])

    return predict


def _log_units(session: onnxruntime.InferenceSession, rows: Singles, effects: Singles) -> NDArray[np.float64]:
    feed: dict[str, Any] = {
        "features": np.ascontiguousarray(rows[:, :-PRICES]),
        "effects": effects,
        "log_price_ratio": np.ascontiguousarray(rows[:, -PRICES]),
    }
    units = np.asarray(session.run(["units"], feed)[0], dtype=np.float64)
    mean: NDArray[np.float64] = units.mean(axis=1)
    return np.log1p(mean)


def _backup(model: bytes) -> Model:
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])

    def predict(rows: Singles) -> NDArray[np.float64]:
        answer = session.run(["log_units"], {"rows": np.ascontiguousarray(rows, dtype=np.float32)})[0]
        return np.asarray(answer, dtype=np.float64)[:, 0]

    return predict
