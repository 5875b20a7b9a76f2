"""What a backup learns from (features, price, log units), and how it becomes an ONNX graph."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pricewright.core.errors import ModelError
from pricewright.core.price_features import price_features

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
INPUT, OUTPUT = "rows", "log_units"
OPSET = 15  # the newest that onnxmltools 1.16 writes; onnxruntime 1.32 loads all up to 21 and beyond
IR_VERSION = 8  # the one of that opset


@dataclass(frozen=True)
class Inputs:
    """n panel rows as arrays, in the order of the panel.

    features: (n, k); price: (n, 3), the columns PRICE_FEATURES; log_units: (n,), log(1 + units);
    week: (n,), days since 1970-01-01 of the row's Monday.
    """

    features: Singles
    price: Singles
    log_units: Floats
    week: NDArray[np.int64]

    @property
    def log_price_ratio(self) -> Floats:
        """log(price / reference price), (n,)."""
        return self.price[:, 0].astype(np.float64)

    def __len__(self) -> int:
        return len(self.log_units)


def read_inputs(rows: pl.DataFrame, features: Sequence[str]) -> Inputs:
    """The arrays of panel rows; ModelError when a column is missing or holds what cannot be learnt from."""
    needed = ["week", "units", "price", "reference_price", "last_price", *features]
    missing = [name for name in needed if name not in rows.columns]
    if missing or rows.height == 0:
        raise ModelError(f"the panel has {rows.height} rows and lacks the columns {missing}: there is nothing to fit.")
    units = rows["units"].to_numpy().astype(np.float64)
    price = read_prices(rows)
    matrix = rows.select(pl.col(features).cast(pl.Float32)).to_numpy()
    unusable = {"units": ~(np.isfinite(units) & (units >= 0)), "price": ~np.isfinite(price).all(axis=1)}
    unusable |= {name: ~np.isfinite(matrix[:, i]) for i, name in enumerate(features)}
    for name, wrong in unusable.items():
        if wrong.any():
            first = rows.row(int(np.argmax(wrong)), named=True)
            raise ModelError(
                f"{name} cannot be learnt from in {int(wrong.sum())} panel rows "
                f"(first: SKU {first.get('stock_code')}, week {first['week']}): it must be finite, units >= 0."
            )
    week = rows["week"].cast(pl.Date).cast(pl.Int32).to_numpy().astype(np.int64)
    return Inputs(np.ascontiguousarray(matrix), price, np.log1p(units), week)


def read_prices(rows: pl.DataFrame) -> Singles:
    """PRICE_FEATURES of panel rows, (n, 3)."""
    price, reference, last = (rows[name].to_numpy() for name in ("price", "reference_price", "last_price"))
    with np.errstate(divide="ignore", invalid="ignore"):  # a price of 0 is reported by read_inputs, not by numpy
        return price_features(price, reference, last)


def take(inputs: Inputs, rows: NDArray[np.bool_]) -> Inputs:
    """The marked rows only."""
    return Inputs(inputs.features[rows], inputs.price[rows], inputs.log_units[rows], inputs.week[rows])


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
