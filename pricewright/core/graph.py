"""Computes the network's ONNX graph in numpy: units per posterior draw at any price."""

import math
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pricewright.core.onnx_file import Node, UnknownGraph, read_onnx
from pricewright.core.price_features import log_price_ratio

MOST_VALUES = 16 << 20  # 64 MB in single precision; a network of 64 units makes 8 MB for 1,000 prices
Shape = tuple[int, ...]
Array = NDArray[Any]
OPSET = 18
PRICE, SKU_INPUTS, OUTPUT = "log_price_ratio", ("features", "effects"), "units"
ONE = np.float32(1)
Step = tuple[Callable[..., Array], tuple[int, ...], int, int]  # how, from which values, to which, into which (or -1)
UFUNCS: dict[str, Any] = {
    "Abs": np.abs, "Add": np.add, "Div": np.divide, "Exp": np.exp, "Less": np.less, "Log": np.log,
    "Max": np.maximum, "Min": np.minimum, "Mul": np.multiply, "Neg": np.negative, "Sub": np.subtract, "Tanh": np.tanh,
}  # fmt: skip
SAME_TYPE = frozenset({*UFUNCS, "Clip"}) - {"Less"}
Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Prepared = Sequence[NDArray[Any]]  # what one SKU needs for any price


def refuse_huge(nodes: Sequence[Node], constants: Mapping[str, Any], inputs: Mapping[str, Shape]) -> None:
    """Raise UnknownGraph when a value of the graph has more than MOST_VALUES, or a shape that cannot be worked out."""
    shapes = {name: array.shape for name, array in constants.items()} | dict(inputs)
    for node in nodes:
        try:
            shape = _shape(node, [shapes[name] for name in node.inputs], constants)
        except (KeyError, ValueError, IndexError, TypeError) as error:
            raise UnknownGraph(f"{node.kind} of these shapes: {error}") from None
        if math.prod(shape) > MOST_VALUES:
            raise UnknownGraph(f"{node.kind} makes {math.prod(shape):,} values, at most {MOST_VALUES:,} are computed")
        shapes[node.output] = shape


def _shape(node: Node, given: list[Shape], constants: Mapping[str, Any]) -> Shape:
    if node.kind == "MatMul":
        return _product(*given)
    if node.kind == "Unsqueeze":
        shape = list(given[0])
        for axis in sorted(constants[node.inputs[1]].tolist()):
            shape.insert(axis, 1)
        return tuple(shape)
    if node.kind == "Concat":
        joined = list(given[0])
        joined[node.attributes["axis"]] = sum(shape[node.attributes["axis"]] for shape in given)
        return tuple(joined)
    if node.kind == "Slice":
        return _sliced(given[0], *(constants[name].tolist() for name in node.inputs[1:]))
    if node.kind == "ReduceMean":
        return _reduced(given[0], constants[node.inputs[1]].tolist(), node.attributes.get("keepdims", 1))
    return np.broadcast_shapes(*given)


def _sliced(shape: Shape, starts: list[int], ends: list[int], axes: list[int]) -> Shape:
    sizes = list(shape)
    for start, end, axis in zip(starts, ends, axes, strict=True):
        sizes[axis] = len(range(*slice(start, end).indices(shape[axis])))
    return tuple(sizes)


def _reduced(shape: Shape, axes: list[int], keep: int) -> Shape:
    gone = {range(len(shape))[axis] for axis in axes}
    return tuple(1 if axis in gone else size for axis, size in enumerate(shape) if keep or axis not in gone)


def _product(left: Shape, right: Shape) -> Shape:
    return (*np.broadcast_shapes(left[:-2], right[:-2]), *left[-2:-1], *right[-1:])


def _softplus(x: Array) -> Array:
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def _sigmoid(x: Array) -> Array:
    return ONE / (ONE + np.exp(-x))


def _clip(x: Array, low: Array, high: Array, out: Array | None = None) -> Array:
    return x.clip(low, high, out=out)


def _slice(x: Array, starts: Array, ends: Array, axes: Array) -> Array:
    picked = [slice(None)] * x.ndim
    for start, end, axis in zip(starts.tolist(), ends.tolist(), axes.tolist(), strict=True):
        picked[axis] = slice(start, end)
    return x[tuple(picked)]


def _unsqueeze(x: Array, axes: Array) -> Array:
    shape = list(x.shape)
    for axis in sorted(axes.tolist()):
        shape.insert(axis, 1)
    return x.reshape(shape)


OTHERS: dict[str, Callable[..., Array]] = {
    "Clip": _clip, "Identity": lambda x: x, "MatMul": np.matmul, "Sigmoid": _sigmoid, "Slice": _slice,
    "Softplus": _softplus, "Unsqueeze": _unsqueeze, "Where": np.where,
}  # fmt: skip


class Graph:
    """Computes units (n, S) from features (k,) and effects (e,) of a SKU and n log price ratios."""

    def __init__(self, body: bytes) -> None:
        """Raises UnknownGraph when the file, an operator in it or its inputs are others than are known here."""
        file = read_onnx(body)
        if file.opset != OPSET or set(file.inputs) != {PRICE, *SKU_INPUTS} or file.outputs != (OUTPUT,):
            raise UnknownGraph(f"opset {file.opset}, inputs {file.inputs}, outputs {file.outputs}")
        self._slots: dict[str, int] = {}
        constants = {self._slot(name): array for name, array in file.constants.items()}
        early, late = _parts(file.nodes)
        self._early, self._file = early, file
        self._values: list[Any] = [None] * (len(self._slots) + len(SKU_INPUTS) + 1 + len(file.nodes))
        self._inputs = [self._slot(name) for name in SKU_INPUTS]
        self._price = self._slot(PRICE)
        self._sku_steps, self._price_steps = self._steps(early, file.nodes), self._steps(late, file.nodes)
        if OUTPUT not in self._slots:
            raise UnknownGraph(f"nothing makes {OUTPUT}")
        self._result = self._slots[OUTPUT]
        for slot, array in constants.items():
            self._values[slot] = array
        made = {step[2] for step in self._sku_steps} | set(self._inputs)
        used = {slot for _, slots, _, _ in self._price_steps for slot in slots}
        self._between = sorted((made & used) | ({self._result} & made))

    def refuse_huge(self, features: int, effects: int, rows: int, prices: int) -> None:
        """Raise UnknownGraph when so many rows, or prices of one, would make more values than memory should hold."""
        for nodes, count in ((self._early, rows), (self._file.nodes, 1)):
            shapes = {SKU_INPUTS[0]: (count, features), SKU_INPUTS[1]: (count, effects), PRICE: (prices,)}
            refuse_huge(nodes, self._file.constants, shapes)

    def prepare(self, features: Array, effects: Array) -> list[tuple[Array, ...]]:
        """What r SKUs need for any price, from features (r, k) and effects (r, e): one entry per SKU."""
        values = self._values.copy()
        for slot, table in zip(self._inputs, (features, effects), strict=True):
            values[slot] = np.asarray(table, dtype=np.float32)
        with np.errstate(all="ignore"):
            _run(self._sku_steps, values, float("inf"))
        tables = [values[slot] for slot in self._between]
        rows = len(features)
        if any(table.ndim != 2 or len(table) != rows for table in tables):
            raise UnknownGraph("what prices meet is not one row per SKU")
        return [tuple(table[row : row + 1] for table in tables) for row in range(rows)]

    def units(self, prepared: Sequence[Array], ratio: Array, until: float = float("inf")) -> Array:
        """Units (n, S) at log price ratios (n,). Raises TimeoutError when time.perf_counter() passes `until`."""
        values = self._values.copy()
        for slot, table in zip(self._between, prepared, strict=True):
            values[slot] = table
        values[self._price] = np.asarray(ratio, dtype=np.float32)
        with np.errstate(all="ignore"):  # what is no number is refused where the units are checked
            _run(self._price_steps, values, until)
        units: Array = values[self._result]
        return units

    def _slot(self, name: str) -> int:
        return self._slots.setdefault(name, len(self._slots))

    def _steps(self, nodes: Sequence[Node], everything: Sequence[Node]) -> list[Step]:
        needed = Counter(name for node in everything for name in node.inputs)
        own: set[str] = set()  # values that one of these steps has made in memory of its own
        steps = []
        for node in nodes:
            if any(name not in self._slots for name in node.inputs):
                raise UnknownGraph(f"{node.kind} takes what is not there")
            free = [name in own and needed[name] == 1 for name in node.inputs]
            into = free.index(True) if node.kind in SAME_TYPE and True in free else -1
            needed.subtract(node.inputs)
            slots = tuple(self._slots[name] for name in node.inputs)
            steps.append((_operation(node), slots, self._slot(node.output), into))
            if node.kind in UFUNCS or node.kind == "Clip":
                own.add(node.output)
        return steps


def _run(steps: Sequence[Step], values: list[Any], until: float) -> None:
    for compute, slots, result, into in steps:
        taken = [values[slot] for slot in slots]
        if into < 0:
            values[result] = compute(*taken)
        else:
            values[result] = _into(compute, taken, taken[into])
        if time.perf_counter() > until:
            raise TimeoutError


def _into(compute: Callable[..., Array], taken: list[Array], memory: Array) -> Array:
    """The result in the memory of an operand that nothing else needs; in new memory where it does not fit."""
    try:
        return compute(*taken, out=memory)
    except (TypeError, ValueError):
        return compute(*taken)


def _operation(node: Node) -> Callable[..., Array]:
    known = UFUNCS | OTHERS
    if node.kind in ("Max", "Min") and len(node.inputs) != 2:
        raise UnknownGraph(f"{node.kind} of {len(node.inputs)}")
    if node.kind == "Concat" and set(node.attributes) == {"axis"}:
        axis = node.attributes["axis"]
        return lambda *parts: np.concatenate(parts, axis=axis)
    if node.kind == "ReduceMean" and set(node.attributes) <= {"keepdims"} and len(node.inputs) == 2:
        keep = bool(node.attributes.get("keepdims", 1))
        return lambda x, axes: x.mean(axis=tuple(axes.tolist()), keepdims=keep, dtype=x.dtype)
    if node.kind not in known or node.attributes:
        raise UnknownGraph(f"operator {node.kind} with {sorted(node.attributes)}")
    operation: Callable[..., Array] = known[node.kind]
    return operation


def _parts(nodes: Sequence[Node]) -> tuple[list[Node], list[Node]]:
    """The nodes that no price reaches, and the others."""
    reached, early, late = {PRICE}, [], []
    for node in nodes:
        if reached.isdisjoint(node.inputs):
            early.append(node)
        else:
            reached.add(node.output)
            late.append(node)
    return early, late


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
