"""The graph computed in numpy says what ONNX Runtime says, and what it does not know it leaves to that."""

from typing import Any

import numpy as np
import onnxruntime
import pytest
from onnx import helper

from pricewright.core.graph import Graph
from pricewright.core.onnx_file import UnknownGraph, read_onnx
from testing.synthetic_release import EFFECTS, FEATURES, backup_onnx, network_onnx, onnx_model

INPUTS: dict[str, list[Any]] = {
    "features": ["r", len(FEATURES)], "effects": ["r", EFFECTS], "log_price_ratio": ["n"],
}  # fmt: skip
RATIOS = np.linspace(-0.7, 0.6, 41).astype(np.float32)
ONE_BY_ONE = [("Abs", 1), ("Exp", 1), ("Neg", 1), ("Tanh", 1), ("Sigmoid", 1), ("Softplus", 1), ("Identity", 1)]
BY_TWO = [("Add", 2), ("Sub", 2), ("Mul", 2), ("Div", 2), ("Max", 2), ("Min", 2)]


def rows(count: int = 3) -> tuple[Any, Any]:
    rng = np.random.default_rng(5)
    return rng.normal(size=(count, len(FEATURES))).astype("f4"), rng.normal(size=(count, EFFECTS)).astype("f4")


def both(model: bytes) -> tuple[list[Any], list[Any]]:
    """Units of three SKUs: by the graph in numpy, and by ONNX Runtime."""
    graph, features, effects = Graph(model), *rows()
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    own = [graph.units(prepared, RATIOS) for prepared in graph.prepare(features, effects)]
    theirs = [
        session.run(["units"], {"features": f[None], "effects": e[None], "log_price_ratio": RATIOS})[0]
        for f, e in zip(features, effects, strict=True)
    ]
    return own, theirs


def of(*nodes: Any, **constants: Any) -> bytes:
    """A network in which `x` are the prices, (n, 1), `row` is (1, 16) of the SKU, and `units` is made of them."""
    start = [
        helper.make_node("Unsqueeze", ["log_price_ratio", "axis"], ["x"]),
        helper.make_node("MatMul", ["features", "weights"], ["first"]),
        helper.make_node("Add", ["first", "effects"], ["row"]),
    ]
    weights = np.linspace(-1, 1, len(FEATURES) * EFFECTS).reshape(len(FEATURES), EFFECTS).astype(np.float32)
    given = {"axis": [1], "weights": weights} | constants
    return onnx_model([*start, *nodes], given, INPUTS, {"units": ["n", EFFECTS]})


def same(model: bytes) -> None:
    own, theirs = both(model)
    for one, other in zip(own, theirs, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("kind", "operands"), ONE_BY_ONE + BY_TWO)
def test_every_operator_agrees_where_prices_are_and_where_they_are_not(kind: str, operands: int) -> None:
    late = [
        helper.make_node("Mul", ["x", "row"], ["wide"]),
        helper.make_node(kind, ["wide", "row"][:operands], ["late"]),
        helper.make_node("Add", ["late", "wide"], ["units"]),
    ]
    early = [
        helper.make_node(kind, ["row", "effects"][:operands], ["early"]),
        helper.make_node("Mul", ["x", "early"], ["wide"]),
        helper.make_node("Add", ["wide", "row"], ["units"]),
    ]
    same(of(*late))
    same(of(*early))


def test_choices_limits_and_members_agree_too() -> None:
    same(
        of(
            helper.make_node("Mul", ["x", "row"], ["wide"]),
            helper.make_node("Less", ["wide", "zero"], ["below"]),
            helper.make_node("Where", ["below", "zero", "wide"], ["chosen"]),
            helper.make_node("Clip", ["chosen", "zero", "most"], ["clipped"]),
            helper.make_node("MatMul", ["features", "members"], ["parts"]),
            helper.make_node("ReduceMean", ["parts", "axis_0"], ["mean"], keepdims=0),
            helper.make_node("Concat", ["mean", "mean"], ["twice"], axis=1),
            helper.make_node("Slice", ["twice", "from", "to", "axis"], ["part"]),
            helper.make_node("Add", ["clipped", "part"], ["units"]),
            zero=np.float32(0), most=np.float32(0.4), axis_0=[0], **{"from": [3], "to": [3 + EFFECTS]},
            members=np.linspace(-1, 1, 4 * len(FEATURES) * EFFECTS).reshape(4, len(FEATURES), EFFECTS).astype("f4"),
        )
    )  # fmt: skip


def test_a_value_that_is_needed_again_is_not_written_over() -> None:
    """What the SKU's part makes is used by its own later steps and by every price asked afterwards."""
    model = of(
        helper.make_node("Mul", ["row", "row"], ["square"]),
        helper.make_node("Add", ["square", "row"], ["sum"]),
        helper.make_node("Mul", ["x", "square"], ["wide"]),
        helper.make_node("Exp", ["wide"], ["grown"]),
        helper.make_node("Sub", ["grown", "wide"], ["rest"]),
        helper.make_node("Add", ["rest", "sum"], ["units"]),
    )
    same(model)
    graph = Graph(model)
    (prepared,) = graph.prepare(*rows(1))
    first = graph.units(prepared, RATIOS).copy()
    graph.units(prepared, RATIOS[:1])
    np.testing.assert_array_equal(graph.units(prepared, RATIOS), first)


def test_one_price_and_skus_prepared_together_are_as_any() -> None:
    graph = Graph(network_onnx(0.3))
    features, effects = rows(40)
    together = graph.prepare(features, effects)
    for row in (0, 17, 39):
        (alone,) = graph.prepare(features[row : row + 1], effects[row : row + 1])
        np.testing.assert_allclose(graph.units(together[row], RATIOS), graph.units(alone, RATIOS), rtol=1e-6)
        np.testing.assert_allclose(graph.units(alone, RATIOS[3:4])[0], graph.units(alone, RATIOS)[3], rtol=1e-6)


def test_a_limit_in_time_is_kept() -> None:
    graph = Graph(network_onnx())
    (prepared,) = graph.prepare(*rows(1))
    with pytest.raises(TimeoutError):
        graph.units(prepared, RATIOS, until=0.0)


UNKNOWN = {
    "no ONNX": b"not a model",
    "empty": b"",
    "other inputs": backup_onnx(0.0),
    "an operator": of(helper.make_node("Sin", ["row"], ["sine"]), helper.make_node("Mul", ["x", "sine"], ["units"])),
    "an attribute": of(helper.make_node("Concat", ["x", "row"], ["units"], axis=1, note="text")),
    "a value from nowhere": of(helper.make_node("Mul", ["x", "nobody"], ["units"])),
}


@pytest.mark.parametrize("fault", UNKNOWN)
def test_what_is_beyond_it_is_left_to_onnx_runtime(fault: str) -> None:
    with pytest.raises(UnknownGraph):
        Graph(UNKNOWN[fault])


def test_a_file_cut_off_anywhere_is_unknown_and_never_another_error() -> None:
    model = network_onnx()
    for size in range(0, len(model), 7):
        try:
            Graph(model[:size])
        except UnknownGraph:
            continue
        raise AssertionError(f"{size} of {len(model)} bytes were taken for a whole graph")


def test_the_reader_finds_what_the_library_wrote() -> None:
    file = read_onnx(network_onnx(0.25))
    assert file.opset == 18 and set(file.inputs) == set(INPUTS) and file.outputs == ("units",)
    assert [node.kind for node in file.nodes][-3:] == ["Sub", "Add", "Exp"]
    assert file.constants["level"] == np.float32(0.25) and file.constants["two"].tolist() == [2]
    assert file.constants["z"].shape == (1, 128)
