"""Backups as ONNX: one input "rows" (features, then what is derived from the price), one output "log_units"."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

INPUT, OUTPUT = "rows", "log_units"
OPSET = 15  # the newest that onnxmltools 1.16 writes; onnxruntime 1.32 loads all up to 21 and beyond
IR_VERSION = 8  # the one of that opset


def model_bytes(nodes: Sequence[Any], constants: Mapping[str, NDArray[Any]], width: int, name: str) -> bytes:
    """A checked model of hand-made nodes from INPUT (n, width) to OUTPUT (n, 1), both float32."""
    from onnx import TensorProto, checker, helper, numpy_helper

    graph = helper.make_graph(
        list(nodes),
        name,
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, [None, width])],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, [None, 1])],
        [numpy_helper.from_array(np.ascontiguousarray(value), key) for key, value in constants.items()],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="pricewright"
    )
    checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString())


def name_output(model: Any) -> bytes:
    """A converted model, checked, with its only output named OUTPUT."""
    from onnx import checker

    graph = model.graph
    old = graph.output[0].name
    for node in graph.node:
        node.output[:] = [OUTPUT if name == old else name for name in node.output]
    graph.output[0].name = OUTPUT
    checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString())
