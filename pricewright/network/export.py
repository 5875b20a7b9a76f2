"""The network as one ONNX graph: features and effects of a SKU, and n prices, to units per price and draw."""

import math

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from pricewright.network.effects import FLATTEST
from pricewright.network.level import CLIP, HISTORY, MEAN, LevelNetwork
from pricewright.network.network import DemandNetwork

OPSET = 18
# Mean of slope and curvature, three numbers of their Cholesky factor, the SKU's share of its family and what the others
# attract, mean and spread of the latent log-sum coefficient.
POSTERIOR = 9


def normal_draws(count: int, seed: int) -> NDArray[np.float32]:
    """Quasi-random standard normal triples, (3, count): a scrambled Sobol sequence through the inverse normal."""
    engine = torch.quasirandom.SobolEngine(3, scramble=True, seed=seed)  # type: ignore[no-untyped-call]
    uniform = engine.draw(count).double().clamp(1e-6, 1 - 1e-6)
    return (math.sqrt(2) * torch.erfinv(2 * uniform - 1)).T.float().numpy()


class _Graph:
    """Collects nodes and constants; each call returns the name of its output."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, value: object, dtype: type = np.float32) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value, dtype=dtype), name))
        return name

    def __call__(self, kind: str, *inputs: str, output: str | None = None, **attributes: object) -> str:
        name = output or f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def columns(self, table: str, first: int, last: int) -> str:
        bounds = [self.constant([bound], np.int64) for bound in (first, last, 1)]
        return self("Slice", table, *bounds)


def to_onnx(network: DemandNetwork, draws: int, seed: int, calibration: float = 1.0) -> bytes:
    """Inputs: features (r, k), effects (r, 16), log_price_ratio (n,), where r is 1 (a curve) or n (n single rows).
    Output: units (n, draws), expected units per posterior draw; `calibration` multiplies them. The graph agrees
    with the Python model to 1e-4.
    """
    graph = _Graph()
    k = len(network.features)
    width = POSTERIOR + len(HISTORY)
    history = graph.columns("effects", POSTERIOR, width)
    log_units = _level(graph, network, graph("Concat", "features", history, axis=1))
    effect = _effect(graph, normal_draws(draws, seed))
    members = graph("Exp", log_units)
    level = graph(
        "Mul", graph("ReduceMean", members, graph.constant([0], np.int64), keepdims=0), graph.constant(calibration)
    )
    graph("Mul", graph("Exp", effect), level, output="units")
    inputs = [
        helper.make_tensor_value_info("features", TensorProto.FLOAT, ["rows", k]),
        helper.make_tensor_value_info("effects", TensorProto.FLOAT, ["rows", width]),
        helper.make_tensor_value_info("log_price_ratio", TensorProto.FLOAT, ["prices"]),
    ]
    output = helper.make_tensor_value_info("units", TensorProto.FLOAT, ["prices", draws])
    model = helper.make_model(
        helper.make_graph(graph.nodes, "network", inputs, [output], graph.constants),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=9,
    )
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def _level(graph: _Graph, network: DemandNetwork, inputs: str) -> str:
    """Log expected units at the base price, (members, r, 1)."""
    level: LevelNetwork = network.level

    def parameter(name: str) -> str:
        return graph.constant(getattr(level, name).detach().numpy())

    x = graph("Mul", graph("Sub", inputs, parameter("centre")), parameter("scale"))
    x = graph("Clip", x, graph.constant(-CLIP), graph.constant(CLIP))
    hidden = _silu(graph, graph("Add", graph("MatMul", x, parameter("first")), parameter("first_bias")))
    second = _silu(graph, graph("Add", graph("MatMul", hidden, parameter("second")), parameter("second_bias")))
    hidden = graph("Add", hidden, second)
    last = graph.constant(level.last.detach().numpy()[:, :, : MEAN + 1])
    bias = graph.constant(level.last_bias.detach().numpy()[:, :, : MEAN + 1])
    past = graph.constant(level.past.detach().numpy()[:, :, : MEAN + 1])
    out = graph("Add", graph("Add", graph("MatMul", hidden, last), bias), graph("MatMul", x, past))
    column = network.features.index(network.trainer.params["base"])
    rough = graph("Max", graph.columns("features", column, column + 1), graph.constant(0.0))
    rough = graph("Add", graph("Sub", graph("Exp", rough), graph.constant(1.0)), graph.constant(0.1))
    return graph("Clip", graph("Add", out, graph("Log", rough)), graph.constant(-8.0), graph.constant(12.0))


def _silu(graph: _Graph, x: str) -> str:
    return graph("Mul", x, graph("Sigmoid", x))


def _effect(graph: _Graph, normal: NDArray[np.float32]) -> str:
    """Log effect of each price under each draw, (n, draws): e - lost x log(share exp(e) + rest), others as they are,
    where e = -softplus(slope) x (e^cx - 1) / c, c = softplus(curvature), and lost = 1 - log-sum coefficient.

    What stands before the bracket is one factor per SKU and draw. FLATTEST keeps it so small that the rounding of the
    bracket moves no log units by more than 1e-5: it is met by curvatures four deviations from their mean.
    """
    columns = (graph.columns("effects", i, i + 1) for i in range(POSTERIOR))
    mean_slope, mean_curvature, a, b, c, share, rest, keeps, keeps_sd = columns
    first, second, third = (graph.constant(normal[k : k + 1]) for k in range(3))
    slope = graph("Softplus", graph("Add", mean_slope, graph("Mul", a, first)))
    shift = graph("Add", graph("Mul", b, first), graph("Mul", c, second))
    curvature = graph("Softplus", graph("Add", mean_curvature, shift))
    curvature = graph("Max", curvature, graph.constant(FLATTEST))
    factor = graph("Neg", graph("Div", slope, curvature))
    x = graph("Unsqueeze", "log_price_ratio", graph.constant([1], np.int64))
    bracket = graph("Sub", graph("Exp", graph("Mul", x, curvature)), graph.constant(1.0))
    own = graph("Clip", graph("Mul", bracket, factor), graph.constant(-30.0), graph.constant(30.0))
    lost = graph("Sigmoid", graph("Neg", graph("Add", keeps, graph("Mul", keeps_sd, third))))
    attracted = graph("Add", graph("Mul", graph("Exp", own), share), rest)
    return graph("Sub", own, graph("Mul", graph("Log", attracted), lost))
