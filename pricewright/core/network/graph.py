"""The network's graph computed in numpy: what depends on the SKU alone once per SKU, then its prices.

Single precision throughout, as ONNX Runtime computes it; both agree to 2e-5. An operator that is not listed here
raises UnknownGraph, and ONNX Runtime is asked instead.
"""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pricewright.core.network.onnx_file import Node, UnknownGraph, read_onnx
from pricewright.core.network.sizes import refuse_huge

Array = NDArray[Any]
OPSET = 18
PRICE, SKU_INPUTS, OUTPUT = "log_price_ratio", ("features", "effects"), "units"
ONE = np.float32(1)
Step = tuple[Callable[..., Array], tuple[int, ...], int, int]  # how, from which values, to which, into which (or -1)


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


UFUNCS: dict[str, Any] = {
    "Abs": np.abs, "Add": np.add, "Div": np.divide, "Exp": np.exp, "Less": np.less, "Log": np.log,
    "Max": np.maximum, "Min": np.minimum, "Mul": np.multiply, "Neg": np.negative, "Sub": np.subtract, "Tanh": np.tanh,
}  # fmt: skip
OTHERS: dict[str, Callable[..., Array]] = {
    "Clip": _clip, "Identity": lambda x: x, "MatMul": np.matmul, "Sigmoid": _sigmoid, "Slice": _slice,
    "Softplus": _softplus, "Unsqueeze": _unsqueeze, "Where": np.where,
}  # fmt: skip
SAME_TYPE = frozenset({*UFUNCS, "Clip"}) - {"Less"}


class Graph:
    """Computes units (n, S) from features (k,) and effects (e,) of a SKU and n log price ratios."""

    def __init__(self, body: bytes) -> None:
        """Raises UnknownGraph when the file, an operator in it or its inputs are others than are known here."""
        file = read_onnx(body)
        if file.opset != OPSET or set(file.inputs) != {PRICE, *SKU_INPUTS} or file.outputs != (OUTPUT,):
            raise UnknownGraph(f"opset {file.opset}, inputs {file.inputs}, outputs {file.outputs}")
        self._places: dict[str, int] = {}
        constants = {self._place(name): array for name, array in file.constants.items()}
        early, late = _parts(file.nodes)
        self._early, self._file = early, file
        self._values: list[Any] = [None] * (len(self._places) + len(SKU_INPUTS) + 1 + len(file.nodes))
        self._inputs = [self._place(name) for name in SKU_INPUTS]
        self._price = self._place(PRICE)
        self._sku_steps, self._price_steps = self._steps(early, file.nodes), self._steps(late, file.nodes)
        if OUTPUT not in self._places:
            raise UnknownGraph(f"nothing makes {OUTPUT}")
        self._result = self._places[OUTPUT]
        for place, array in constants.items():
            self._values[place] = array
        made = {step[2] for step in self._sku_steps} | set(self._inputs)
        used = {place for _, places, _, _ in self._price_steps for place in places}
        self._between = sorted((made & used) | ({self._result} & made))

    def refuse_huge(self, features: int, effects: int, rows: int, prices: int) -> None:
        """Raise UnknownGraph when so many rows together, or prices of one, make more values than memory should hold."""
        for nodes, count in ((self._early, rows), (self._file.nodes, 1)):
            shapes = {SKU_INPUTS[0]: (count, features), SKU_INPUTS[1]: (count, effects), PRICE: (prices,)}
            refuse_huge(nodes, self._file.constants, shapes)

    def prepare(self, features: Array, effects: Array) -> list[tuple[Array, ...]]:
        """What r SKUs need for any price, from features (r, k) and effects (r, e): one entry per SKU."""
        values = self._values.copy()
        for place, table in zip(self._inputs, (features, effects), strict=True):
            values[place] = np.asarray(table, dtype=np.float32)
        with np.errstate(all="ignore"):
            _run(self._sku_steps, values, float("inf"))
        tables = [values[place] for place in self._between]
        rows = len(features)
        if any(table.ndim != 2 or len(table) != rows for table in tables):
            raise UnknownGraph("what prices meet is not one row per SKU")
        return [tuple(table[row : row + 1] for table in tables) for row in range(rows)]

    def units(self, prepared: Sequence[Array], ratio: Array, until: float = float("inf")) -> Array:
        """Units (n, S) at log price ratios (n,). Raises TimeoutError when time.perf_counter() passes `until`."""
        values = self._values.copy()
        for place, table in zip(self._between, prepared, strict=True):
            values[place] = table
        values[self._price] = np.asarray(ratio, dtype=np.float32)
        with np.errstate(all="ignore"):  # what is no number is refused where the units are checked
            _run(self._price_steps, values, until)
        units: Array = values[self._result]
        return units

    def _place(self, name: str) -> int:
        return self._places.setdefault(name, len(self._places))

    def _steps(self, nodes: Sequence[Node], everything: Sequence[Node]) -> list[Step]:
        needed = Counter(name for node in everything for name in node.inputs)
        own: set[str] = set()  # values that one of these steps has made in memory of its own
        steps = []
        for node in nodes:
            if any(name not in self._places for name in node.inputs):
                raise UnknownGraph(f"{node.kind} takes what is not there")
            free = [name in own and needed[name] == 1 for name in node.inputs]
            into = free.index(True) if node.kind in SAME_TYPE and True in free else -1
            needed.subtract(node.inputs)
            places = tuple(self._places[name] for name in node.inputs)
            steps.append((_operation(node), places, self._place(node.output), into))
            if node.kind in UFUNCS or node.kind == "Clip":
                own.add(node.output)
        return steps


def _run(steps: Sequence[Step], values: list[Any], until: float) -> None:
    for compute, places, result, into in steps:
        taken = [values[place] for place in places]
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
