"""The models of a release, opened when needed; each gives the units at any price of any SKU."""

import math
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from inference.artifacts import Artifacts
from inference.catalog import Catalog, Product
from inference.query import MOST_BINS
from inference.session import Stoppable, Workers, open_session, too_long
from pricewright.core.decision import CANDIDATES, interval_of_moments, mean_over_draws, moments
from pricewright.core.errors import ModelError, PricewrightError
from pricewright.core.forecast import Retransformation, forecast_from_log, units_from_log
from pricewright.core.graph import NetworkSession
from pricewright.core.models import NETWORK
from pricewright.core.onnx_file import UnknownGraph
from pricewright.core.price_features import log_price_ratio, price_features

Floats = NDArray[np.float64]
POINTS = 20
LEAST_PRICES = 2 * POINTS  # fewer are computed themselves
ROUGH = 3e-6  # the last two coefficients of a smooth curve are below this: its error is of their size
ANGLES = (np.arange(POINTS) + 0.5) * (np.pi / POINTS)
NODES = np.cos(ANGLES)  # within -1 to 1
WEIGHTS = np.sin(ANGLES) * (-1.0) ** np.arange(POINTS)
LAST = np.cos(np.outer([POINTS - 2, POINTS - 1], ANGLES)) * (2 / POINTS)
Units = NDArray[Any]  # in single or double precision, as the model gives them
Interval = tuple[Floats, Floats, Floats]
RISE = 1e-4  # single precision: so much a falling curve may seem to rise, as a share
TINY = 1e-9
MOST_PRICES = MOST_BINS + CANDIDATES + 3  # asked for at once: a curve, the candidates, and around the current price
BLOCK, MOST_BLOCKS = 32, 500  # SKUs that the network prepares at once; 17 MB of them are kept


def points(low: float, high: float) -> Floats:
    """The prices (POINTS,) between low and high at which the curve has to be known."""
    middle, half = _middle(low, high)
    prices: Floats = np.exp(middle + half * NODES)
    return prices


def through(values: Floats, low: float, high: float, prices: Floats) -> Floats | None:
    """Curves (n, c) at n prices within low to high from their values (POINTS, c) at the points.

    None where the curves are not smooth enough, or no numbers.
    """
    if not np.abs(LAST @ values).max() < ROUGH:
        return None
    middle, half = _middle(low, high)
    apart = ((np.log(prices) - middle) / half)[:, None] - NODES
    apart[apart == 0] = 1e-300  # a price that is one of the points gets its value
    shares = WEIGHTS / apart  # barycentric formula: Berrut and Trefethen (2004), SIAM Review 46:501
    curves: Floats = (shares @ values) / shares.sum(axis=1, keepdims=True)
    return curves


def _middle(low: float, high: float) -> tuple[float, float]:
    first, last = math.log(low), math.log(high)
    return (first + last) / 2, (last - first) / 2


class Model(Protocol):
    """One opened model."""

    session: Stoppable | None  # None: it ends by itself, within the limit

    def units(self, product: Product, prices: Floats) -> Units:
        """Expected units at n prices, (n, S): one column per posterior draw, or one column."""
        ...

    def points(self, grid: Floats) -> Floats:
        """The prices at which `units` has to be known, so that `curve_interval` can show it at the grid (n,)."""
        ...

    def curve_interval(self, product: Product, grid: Floats, price: float, units: Units) -> Interval:
        """Mean and 90 % interval of the units of one week, three arrays (n + 1,), at the grid (n,) and one price more.

        units: what `units` gave at the points of the grid and, last, at that price.
        """
        ...


class Network:
    """The primary model: posterior draws, computed in numpy; in ONNX Runtime, if its graph is beyond that."""

    def __init__(self, body: bytes, catalog: Catalog, seconds: float) -> None:
        self.session: Stoppable | None = None
        self._arrays = catalog.arrays
        self._spread = catalog.spread
        self._seconds = seconds
        self._blocks: dict[int, Sequence[Sequence[Any]]] = {}
        try:
            session = NetworkSession(body)
            features, effects = (self._arrays[name].shape[1] for name in ("features", "effects"))
            session.refuse_huge(features, effects, BLOCK, MOST_PRICES)
            self._network: NetworkSession | Runtime = session
        except UnknownGraph:
            self._network = Runtime(body)
            self.session = self._network.session

    def units(self, product: Product, prices: Floats) -> Units:
        """See Model."""
        until = time.perf_counter() + self._seconds
        return self._network.prepared_units(self._prepared(product.catalog_index), prices, product.base_price, until)

    def _prepared(self, index: int) -> Sequence[Any]:
        """What no price changes: computed for a block of SKUs at once, which takes little longer than for one."""
        number = index // BLOCK
        block = self._blocks.get(number)
        if block is None:
            rows = slice(number * BLOCK, (number + 1) * BLOCK)
            block = self._network.prepare(self._arrays["features"][rows], self._arrays["effects"][rows])
            if len(self._blocks) >= MOST_BLOCKS:
                self._blocks.clear()
            self._blocks[number] = block
        return block[index % BLOCK]

    def points(self, grid: Floats) -> Floats:
        """See Model: few, since the curve is smooth."""
        return points(grid[0], grid[-1]) if len(grid) >= LEAST_PRICES else grid

    def curve_interval(self, product: Product, grid: Floats, price: float, units: Units) -> Interval:
        """See Model."""
        mean, between = moments(units)
        if len(units) <= len(grid):
            square = between + mean * mean
            curves = through(np.log([mean[:-1], square[:-1]]).T, grid[0], grid[-1], grid)
            if curves is None:
                mean, between = moments(np.concatenate([checked(grid, self.units(product, grid)), units[-1:]]))
            else:
                mean, square = np.concatenate([np.exp(curves.T), [mean[-1:], square[-1:]]], axis=1)
                between = np.maximum(square - mean * mean, 0.0)
        return interval_of_moments(mean, between, product.dispersion, self._spread)


class ServedBackup:
    """A model of log(1 + units): one column, and an interval from the residuals of held-out weeks."""

    def __init__(self, name: str, body: bytes, catalog: Catalog) -> None:

        self.session: Stoppable | None = open_session(body)
        self._run = self.session.run
        self._learnt = Retransformation.from_arrays(catalog.arrays, name)

    def units(self, product: Product, prices: Floats) -> Units:
        """See Model."""
        return units_from_log(self._log_units(product, prices), self._learnt.smear)[:, None]

    def curve_interval(self, product: Product, grid: Floats, price: float, units: Units) -> Interval:
        """See Model."""
        forecast = forecast_from_log(self._log_units(product, np.append(grid, price)), self._learnt)
        return forecast.mean, forecast.low, forecast.high

    def points(self, grid: Floats) -> Floats:
        """See Model."""
        return grid

    def _log_units(self, product: Product, prices: Floats) -> Floats:
        derived = price_features(prices, product.reference_price, product.last_price)
        rows = np.concatenate([np.repeat(product.features[None], len(prices), axis=0), derived], axis=1)
        return np.asarray(self._run(["log_units"], {"rows": rows})[0], dtype=np.float64)[:, 0]


class Runtime:
    """The network in ONNX Runtime."""

    def __init__(self, body: bytes) -> None:
        self.session = open_session(body)

    def prepare(self, features: Any, effects: Any) -> list[tuple[Any, ...]]:
        """See NetworkSession."""
        return [(features[row : row + 1], effects[row : row + 1]) for row in range(len(features))]

    def prepared_units(self, prepared: Sequence[Any], prices: Floats, reference: float, _: float = 0.0) -> Units:
        """See NetworkSession; a caller that waits too long stops the session."""
        ratio = log_price_ratio(prices, reference).astype(np.float32)
        features, effects = prepared
        feed = {"features": features, "effects": effects, "log_price_ratio": ratio}
        units: Units = self.session.run(["units"], feed)[0]
        return units


class Models:
    """The models of one release."""

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
            if model.session is None:
                return work(model)
            return self._workers.do(lambda: work(model), model.session.stop)
        except PricewrightError:
            raise
        except TimeoutError:
            raise ModelError(too_long(self._workers.seconds)) from None
        except Exception as error:  # ONNX Runtime's errors have no base class of their own
            raise ModelError(f"{type(error).__name__}: {_first_line(error)}") from error

    def _open(self, name: str) -> Model:
        body = self._artifacts.read(f"{name}.onnx")
        try:
            if name == NETWORK:
                return Network(body, self._catalog, self._workers.seconds)
            return ServedBackup(name, body, self._catalog)
        except Exception as error:  # a missing package, a file that is no ONNX, an operator that is not known
            raise ModelError(f"{type(error).__name__}: {_first_line(error)}") from error


def checked(prices: Floats, units: Units) -> Units:
    """Units as a model gave them, (n, S), if they can be units at these prices (n,); else raises ModelError."""
    if units.ndim != 2 or len(units) != len(prices) or not units.shape[1]:
        raise ModelError(f"units of shape {units.shape} for {len(prices)} prices.")
    with np.errstate(all="ignore"):
        least, means = units.min(), mean_over_draws(units)
    if not (least >= 0 and means.max() < np.inf):
        raise ModelError(f"units from {least:g} to {units.max():g}: they must be finite and >= 0.")
    ordered = means[prices.argsort(kind="stable")]
    least_so_far = np.minimum.accumulate(ordered)  # between near prices even a steep rise is a small one
    if (ordered[1:] > (1 + RISE) * least_so_far[:-1] + TINY).any():
        raise ModelError("units rise with the price: demand must never do so.")
    return units


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [""])[0][:300]
