"""How many values a graph makes at once, said before it computes: a small file can make a table of gigabytes."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pricewright.core.network.onnx_file import Node, UnknownGraph

MOST_VALUES = 16 << 20  # 64 MB in single precision; a network of 64 units makes 8 MB for 1,000 prices
Shape = tuple[int, ...]


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
    return tuple(1 if place in gone else size for place, size in enumerate(shape) if keep or place not in gone)


def _product(left: Shape, right: Shape) -> Shape:
    return (*np.broadcast_shapes(left[:-2], right[:-2]), *left[-2:-1], *right[-1:])
