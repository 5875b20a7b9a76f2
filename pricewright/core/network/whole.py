"""An ONNX file of a release must hold all that it needs: one that names other files is refused before it is opened.

ONNX lets a tensor lie in another file, by a path that whoever wrote the model chose. The tensors of a model stand in
its graph, in the attributes of nodes, in graphs inside these (branches, loops), and in functions.
"""

from pricewright.core.errors import ReleaseError
from pricewright.core.network.onnx_file import read_message

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


def refuse_elsewhere(name: str, body: bytes) -> None:
    """Raise ReleaseError when the ONNX file `name` is none, or has a tensor in another file."""
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
                raise ValueError(f"field {field} of {kind} is no message")
            found = _elsewhere(inner, value, depth + 1)
            if found is not None:
                return found
    return None
