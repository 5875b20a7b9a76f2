"""The models of a release, opened when they are needed; each gives the units at any price of any SKU."""

import threading
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from demand.backups.retransform import Retransformation, forecast_from_log, units_from_log
from demand.decision import interval
from demand.errors import ModelError, PricewrightError
from demand.price_features import price_features
from demand.release.manifest import MODELS
from inference.artifacts import Artifacts
from inference.catalog import Catalog, Product
from inference.session import Stoppable, Workers

Floats = NDArray[np.float64]
RISE = 1e-4  # single precision: so much a falling curve may seem to rise, as a share
TINY = 1e-9


class Model(Protocol):
    """One opened model."""

    session: Stoppable

    def units(self, product: Product, prices: Floats) -> Floats:
        """Expected units at n prices, (n, S): one column per posterior draw, or one column."""
        ...

    def interval(self, product: Product, prices: Floats, units: Floats) -> tuple[Floats, Floats, Floats]:
        """Mean and 90 % interval of the units of one week, three arrays (n,), from what `units` gave."""
        ...


class Network:
    """The primary model: posterior draws."""

    def __init__(self, body: bytes, catalog: Catalog) -> None:
        from demand.network.session import NetworkSession

        self._network = NetworkSession(body)
        self._network.session = self.session = Stoppable(self._network.session)
        self._spread = catalog.spread

    def units(self, product: Product, prices: Floats) -> Floats:
        """See Model."""
        return self._network.units(product.features, product.effects, prices, product.anchor_price)

    def interval(self, product: Product, prices: Floats, units: Floats) -> tuple[Floats, Floats, Floats]:
        """See Model."""
        return interval(units, product.dispersion, self._spread)


class Backup:
    """A model of log(1 + units): one column, and an interval from the residuals of held-out weeks."""

    def __init__(self, name: str, body: bytes, catalog: Catalog) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = Stoppable(onnxruntime.InferenceSession(body, options, providers=["CPUExecutionProvider"]))
        self._learnt = Retransformation.from_arrays(catalog.arrays, name)

    def units(self, product: Product, prices: Floats) -> Floats:
        """See Model."""
        return units_from_log(self._log_units(product, prices), self._learnt.smear)[:, None]

    def interval(self, product: Product, prices: Floats, units: Floats) -> tuple[Floats, Floats, Floats]:
        """See Model."""
        forecast = forecast_from_log(self._log_units(product, prices), self._learnt)
        return forecast.mean, forecast.low, forecast.high

    def _log_units(self, product: Product, prices: Floats) -> Floats:
        derived = price_features(prices, product.reference_price, product.last_price)
        rows = np.concatenate([np.repeat(product.features[None], len(prices), axis=0), derived], axis=1)
        return np.asarray(self.session.run(["log_units"], {"rows": rows})[0], dtype=np.float64)[:, 0]


class Models:
    """The four models of one release."""

    def __init__(self, artifacts: Artifacts, catalog: Catalog, seconds: float) -> None:
        self._artifacts = artifacts
        self._catalog = catalog
        self._workers = Workers(seconds)
        self._opened: dict[str, Model] = {}
        self._lock = threading.Lock()

    @property
    def opened(self) -> tuple[str, ...]:
        """Names of the models that are open."""
        return tuple(self._opened)

    def open(self, name: str) -> Model:
        """A model, opened with its first use. Raises ModelError or ReleaseError when it cannot be."""
        model = self._opened.get(name)
        if model is None:
            with self._lock:
                model = self._opened.get(name) or self._open(name)
                self._opened[name] = model
        return model

    def close(self, name: str) -> None:
        """Forget a model that failed, so that the next try reads it afresh."""
        self._opened.pop(name, None)

    def run(self, name: str, work: Callable[[Model], Any]) -> Any:
        """What `work` makes of a model, within the time limit. Raises PricewrightError, whatever went wrong."""
        model = self.open(name)
        try:
            return self._workers.do(lambda: work(model), model.session.stop)
        except PricewrightError:
            raise
        except Exception as error:  # ONNX Runtime's errors have no base class of their own
            raise ModelError(f"{type(error).__name__}: {_first_line(error)}") from error

    def _open(self, name: str) -> Model:
        body = self._artifacts.read(f"{name}.onnx")
        try:
            return Network(body, self._catalog) if name == MODELS[0] else Backup(name, body, self._catalog)
        except Exception as error:  # a missing package, a file that is no ONNX, an operator that is not known
            raise ModelError(f"{type(error).__name__}: {_first_line(error)}") from error


def checked(prices: Floats, units: Floats) -> Floats:
    """Units as a model gave them, (n, S), if they can be units at these prices (n,); else raises ModelError."""
    if units.ndim != 2 or len(units) != len(prices) or not units.shape[1]:
        raise ModelError(f"units of shape {units.shape} for {len(prices)} prices.")
    least, means = units.min(), units.mean(axis=1)
    if not (least >= 0 and np.isfinite(means).all()):
        raise ModelError(f"units from {least:g} to {units.max():g}: they must be finite and >= 0.")
    ordered = means[prices.argsort(kind="stable")]
    if (ordered[1:] > (1 + RISE) * ordered[:-1] + TINY).any():
        raise ModelError("units rise with the price: demand must never do so.")
    return units


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [""])[0][:300]
