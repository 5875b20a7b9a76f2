from typing import Any

import numpy as np
import onnxruntime
import polars as pl
import pytest

from pricewright.core.graph import NetworkSession
from pricewright.network.export import normal_draws, to_onnx
from pricewright.network.level import Rows
from pricewright.network.network import DemandNetwork

DRAWS, SEED = 64, 5
RATIOS = np.log(np.linspace(0.55, 1.8, 60))


@pytest.fixture(scope="module")
def session(network: DemandNetwork) -> NetworkSession:
    return NetworkSession(to_onnx(network, DRAWS, SEED))


@pytest.fixture(scope="module")
def last(network: DemandNetwork, panel: pl.DataFrame) -> Rows:
    rows = network.rows(panel)
    return rows[rows.week == rows.week.max()]


def inputs(network: DemandNetwork, last: Rows) -> tuple[Any, Any]:
    posterior = network.posterior(network.curves.codes, network.levels(last))
    effects = network.effects(last, posterior, network.curves.base_price)
    return last.inputs[:, : len(network.features)], effects


def test_graph_and_python_agree_to_a_ten_thousandth(
    network: DemandNetwork, session: NetworkSession, last: Rows
) -> None:
    features, effects = inputs(network, last)
    normal = normal_draws(DRAWS, SEED).astype(np.float64)
    for sku in range(0, len(last), 7):
        graph = session.units(features[sku], effects[sku], np.exp(RATIOS), 1.0)
        python = network.expected_units(features[sku], effects[sku], RATIOS, normal)
        assert np.allclose(graph, python, rtol=1e-4, atol=1e-4)


def test_numpy_and_onnx_runtime_compute_the_same_units(
    network: DemandNetwork, session: NetworkSession, last: Rows
) -> None:
    features, effects = inputs(network, last)
    runtime = onnxruntime.InferenceSession(to_onnx(network, DRAWS, SEED), providers=["CPUExecutionProvider"])
    for sku in range(len(last)):
        one = {"features": features[sku : sku + 1], "effects": effects[sku : sku + 1]}
        given = one | {"log_price_ratio": RATIOS.astype(np.float32)}
        units = session.units(features[sku], effects[sku], np.exp(RATIOS), 1.0)
        assert np.allclose(units, runtime.run(["units"], given)[0], rtol=2e-5, atol=1e-9)


def test_no_draw_of_any_sku_rises_with_the_price(network: DemandNetwork, session: NetworkSession, last: Rows) -> None:
    features, effects = inputs(network, last)
    for sku in range(len(last)):
        units = session.units(features[sku], effects[sku], np.exp(RATIOS), 1.0)
        assert (np.diff(units, axis=0) <= 1e-4 * units[1:]).all()


def test_rows_asked_together_answer_as_asked_one_by_one(
    network: DemandNetwork, session: NetworkSession, last: Rows
) -> None:
    features, effects = inputs(network, last)
    runtime = onnxruntime.InferenceSession(to_onnx(network, DRAWS, SEED), providers=["CPUExecutionProvider"])
    ratio = np.linspace(-0.3, 0.3, len(last)).astype(np.float32)
    together = runtime.run(["units"], {"features": features, "effects": effects, "log_price_ratio": ratio})[0]
    for sku in (0, 10, 50):
        alone = session.units(features[sku], effects[sku], np.exp(ratio[sku : sku + 1].astype(float)), 1.0)
        assert np.allclose(together[sku], alone[0], rtol=1e-4)


def test_the_calibration_scales_the_units(network: DemandNetwork, session: NetworkSession, last: Rows) -> None:
    features, effects = inputs(network, last)
    scaled = NetworkSession(to_onnx(network, DRAWS, SEED, calibration=1.25))
    plain, more = (one.units(features[0], effects[0], np.exp(RATIOS), 1.0) for one in (session, scaled))
    assert np.allclose(more, 1.25 * plain, rtol=1e-5)


def test_draws_are_standard_normal_and_repeat_with_the_seed() -> None:
    draws = normal_draws(1024, 3)
    assert np.allclose(draws.mean(axis=1), 0, atol=0.02)
    assert np.allclose(np.cov(draws), np.eye(3), atol=0.03)
    assert np.array_equal(draws, normal_draws(1024, 3))
