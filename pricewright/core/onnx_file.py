"""Reads ONNX files without any library, and refuses one that needs other files.

The price API starts with it: ONNX Runtime's import alone takes longer than the rest of a cold start. Only plain float
and integer tensors are understood; the caller asks ONNX Runtime about everything else. Field numbers are those
of onnx.proto3 (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3), the encoding is Protocol Buffers'.
"""

import struct
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pricewright.core.errors import ReleaseError

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
TYPES = {1: "<f4", 6: "<i4", 7: "<i8", 9: "|b1", 11: "<f8"}  # TensorProto.DataType
Field = tuple[int, Any]
MOST_DEPTH = 32  # graphs within graphs; Protocol Buffers' own readers stop at 100 messages
# Field numbers of onnx.proto3: message -> field -> the message in it.
INSIDE: dict[str, dict[int, str]] = {
    "Model": {7: "Graph", 20: "Training", 25: "Function"},
    "Training": {1: "Graph", 2: "Graph"},
    "Graph": {1: "Node", 5: "Tensor", 15: "Sparse"},
    "Function": {7: "Node", 11: "Attribute"},
    "Node": {5: "Attribute"},
    "Attribute": {5: "Tensor", 6: "Graph", 10: "Tensor", 11: "Graph", 22: "Sparse", 23: "Sparse"},
    "Sparse": {1: "Tensor", 2: "Tensor"},
    "Tensor": {},
}
NAME, EXTERNAL, LOCATION = 8, 13, 14  # of a tensor


class UnknownGraph(Exception):
    """This file, or something in it, is beyond what is read here."""


class Node(NamedTuple):
    """One operation; `attributes` are whole numbers, and those are all that is read."""

    kind: str
    inputs: tuple[str, ...]
    output: str
    attributes: dict[str, int]


class OnnxFile(NamedTuple):
    """A graph whose nodes are in an order in which they can be computed."""

    nodes: list[Node]
    constants: dict[str, NDArray[Any]]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    opset: int


def read_onnx(body: bytes) -> OnnxFile:
    """The graph in these bytes. Raises UnknownGraph."""
    try:
        model = read_message(memoryview(body))
        (graph,) = model[7]
        opsets = [read_message(entry) for entry in model[8]]
        (opset,) = [entry[2][0] for entry in opsets if not bytes(entry.get(1, [b""])[0])]
        return _graph(read_message(graph), int(opset))
    except (KeyError, IndexError, TypeError, ValueError, struct.error) as error:
        raise UnknownGraph(f"{type(error).__name__}: {error}") from None


def _graph(graph: dict[int, list[Any]], opset: int) -> OnnxFile:
    constants = dict(_tensor(entry) for entry in graph.get(5, []))
    inputs, outputs = (tuple(_text(read_message(entry)[1][0]) for entry in graph[field]) for field in (11, 12))
    nodes = [_node(entry) for entry in graph[1]]
    return OnnxFile(nodes, constants, tuple(name for name in inputs if name not in constants), outputs, opset)


def _node(body: memoryview) -> Node:
    fields = read_message(body)
    (output,) = fields[2]
    attributes = dict(_attribute(entry) for entry in fields.get(5, []))
    return Node(_text(fields[4][0]), tuple(map(_text, fields.get(1, []))), _text(output), attributes)


def _attribute(body: memoryview) -> tuple[str, int]:
    fields = read_message(body)
    value = fields[3][0]  # an attribute that is no whole number has no field 3
    return _text(fields[1][0]), value - (1 << 64) if value >> 63 else value


def _tensor(body: memoryview) -> tuple[str, NDArray[Any]]:
    fields = read_message(body)
    shape = [
        size for entry in fields.get(1, []) for size in (_packed(entry) if isinstance(entry, memoryview) else [entry])
    ]
    dtype = TYPES[fields[2][0]]
    return _text(fields[8][0]), np.frombuffer(fields[9][0], dtype).reshape(shape)


def read_message(body: memoryview) -> dict[int, list[Any]]:
    """The fields of a message by number, each with all of its values. Raises KeyError, IndexError or ValueError."""
    found: dict[int, list[Any]] = {}
    for number, value in _fields(body):
        found.setdefault(number, []).append(value)
    return found


def _fields(body: memoryview) -> Iterator[Field]:
    offset, end = 0, len(body)
    while offset < end:
        key, offset = _varint(body, offset)
        kind = key & 7
        if kind == VARINT:
            value, offset = _varint(body, offset)
            yield key >> 3, value
            continue
        size, offset = _varint(body, offset) if kind == BYTES else ({FIXED32: 4, FIXED64: 8}[kind], offset)
        if offset + size > end:
            raise ValueError("the file ends early")
        yield key >> 3, body[offset : offset + size]
        offset += size


def _varint(body: memoryview, offset: int) -> tuple[int, int]:
    value = body[offset]
    if value < 128:
        return value, offset + 1
    value, shift = value & 127, 7
    while True:
        offset += 1
        more = body[offset]
        value |= (more & 127) << shift
        if more < 128:
            return value, offset + 1
        shift += 7
        if shift > 63:
            raise ValueError("a number of more than 64 bits")


def _packed(body: memoryview) -> list[int]:
    values, offset = [], 0
    while offset < len(body):
        value, offset = _varint(body, offset)
        values.append(value)
    return values


def _text(body: memoryview) -> str:
    return bytes(body).decode()


def refuse_elsewhere(name: str, body: bytes) -> None:
    """Raise ReleaseError when the ONNX file `name` is not valid, or has a tensor in another file."""
    try:
        tensor = _elsewhere("Model", memoryview(body), 0)
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise ReleaseError(f"{name} is no ONNX file: {type(error).__name__} {error}.") from None
    if tensor is not None:
        raise ReleaseError(
            f"{name} has the tensor {tensor[:80]!r} in another file: a release's models hold all their numbers.",
            hint="save the model as one file.",
        )


def _elsewhere(kind: str, body: memoryview, depth: int) -> str | None:
    """The name of the first tensor whose numbers are in another file."""
    if depth > MOST_DEPTH * 3:  # graph, node, attribute
        raise ValueError(f"graphs within graphs, more than {MOST_DEPTH} deep")
    fields = read_message(body)
    if kind == "Tensor":
        outside = EXTERNAL in fields or any(value != 0 for value in fields.get(LOCATION, []))
        return bytes(fields.get(NAME, [b"?"])[0]).decode(errors="replace") if outside else None
    for field, inner in INSIDE[kind].items():
        for value in fields.get(field, []):
            if not isinstance(value, memoryview):
                raise ValueError(f"field {field} of {kind} is not a message")
            found = _elsewhere(inner, value, depth + 1)
            if found is not None:
                return found
    return None
