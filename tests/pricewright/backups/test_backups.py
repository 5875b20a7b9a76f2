"""What every backup promises: it never rises with price, its ONNX twin agrees, it learns demand."""

import math
from typing import Any

import numpy as np
import onnx
import onnxruntime
import polars as pl
import pytest

from pricewright.backups import REGISTRY, fit_backup
from pricewright.backups.backup import Backup
from pricewright.backups.inputs import read_inputs
from pricewright.core.errors import ModelError, ParameterError
from pricewright.core.price_features import price_features

FEATURES = ("log_level", "mean_4", "season", "noise")
SLOPE = 2.0
HYPERPARAMETERS: dict[str, dict[str, Any]] = {
    "lightgbm": {
        "trees": 120,
        "learning_rate": 0.08,
        "leaves": 15,
        "min_leaf_rows": 20,
        "feature_share": 0.8,
        "row_share": 0.8,
        "l2": 1.0,
    },
    "svr": {"cost": 1.0, "epsilon": 0.2, "width": 1.5, "sample_rows": 1500},
    "elastic_net": {"alpha": 0.002, "l1_ratio": 0.5},
}


def fit(name: str, rows: pl.DataFrame, **changed: Any) -> Backup:
    return fit_backup(name, rows, FEATURES, HYPERPARAMETERS[name] | changed, seed=1)


@pytest.fixture(scope="module", params=REGISTRY)
def backup(request: pytest.FixtureRequest, panel: pl.DataFrame) -> Backup:
    return fit(request.param, panel)


def sweep(rng: np.random.Generator, skus: int, prices: int) -> tuple[np.ndarray, np.ndarray]:
    """Random features (some far outside the training range), repeated, with rising prices for each."""
    features = rng.normal(0, [[3.0, 3.0, 2.0, 5.0]], (skus, 4)).astype(np.float32) + np.float32([3.5, 3.5, 0, 0])
    reference, last = np.exp(rng.normal(1, 1, (2, skus, 1)))
    price = np.sort(reference * np.exp(rng.uniform(-1.5, 1.5, (skus, prices))), axis=1)
    derived = price_features(price.ravel(), np.repeat(reference, prices), np.repeat(last, prices))
    return np.repeat(features, prices, axis=0), derived


def test_log_units_never_rise_with_price(backup: Backup) -> None:
    features, price = sweep(np.random.default_rng(0), skus=300, prices=40)
    curves = backup.predict_log(features, price).reshape(300, 40)
    assert np.diff(curves, axis=1).max() <= 1e-9
    assert (curves[:, 0] > curves[:, -1] + 0.05).mean() > 0.9


def test_the_curve_leans_as_demand_does(backup: Backup, panel: pl.DataFrame) -> None:
    inputs = read_inputs(panel, FEATURES)
    at = [np.full(len(inputs), r) for r in (0.9, 1.1)]
    low, high = (backup.predict_log(inputs.features, price_features(r, 1.0, 1.0)).mean() for r in at)
    slope = (low - high) / math.log(1.1 / 0.9)
    # Trees see price among other columns and shrink it; the partially linear models must not.
    assert slope == pytest.approx(SLOPE, rel=0.6 if backup.name == "lightgbm" else 0.15)


def test_onnx_answers_as_python_does(backup: Backup, panel: pl.DataFrame) -> None:
    inputs = read_inputs(panel.head(3000), FEATURES)
    features, price = sweep(np.random.default_rng(1), skus=50, prices=20)
    features, price = np.vstack([inputs.features, features]), np.vstack([inputs.price, price])
    session = onnxruntime.InferenceSession(backup.to_onnx(), providers=["CPUExecutionProvider"])
    (answer,) = session.run(["log_units"], {"rows": np.hstack([features, price])})
    assert answer.dtype == np.float32
    assert answer.shape == (len(features), 1)
    assert np.abs(answer[:, 0] - backup.predict_log(features, price)).max() < 1e-4


def test_onnx_has_one_input_one_output_and_an_opset_that_inference_loads(backup: Backup) -> None:
    content = backup.to_onnx()
    model = onnx.load_from_string(content)
    onnx.checker.check_model(model, full_check=True)
    shapes = {
        value.name: [d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim]
        for value in (*model.graph.input, *model.graph.output)
    }
    assert {name: shape[1] for name, shape in shapes.items()} == {"rows": len(FEATURES) + 3, "log_units": 1}
    assert {o.domain: o.version for o in model.opset_import}[""] <= 21
    assert content == backup.to_onnx()


def test_it_forecasts_better_than_the_mean_of_the_last_weeks(backup: Backup, panel: pl.DataFrame) -> None:
    weeks = panel["week"].unique().sort()
    earlier, later = panel.filter(pl.col("week") < weeks[-8]), panel.filter(pl.col("week") >= weeks[-8])
    new = read_inputs(later, FEATURES)
    predicted = fit(backup.name, earlier).predict_log(new.features, new.price)
    errors = [np.sqrt(np.mean((p - new.log_units) ** 2)) for p in (predicted, new.features[:, 1])]
    assert errors[0] < 0.85 * errors[1]


@pytest.mark.parametrize("name", REGISTRY)
def test_the_same_seed_gives_the_same_model_on_any_number_of_threads(name: str, panel: pl.DataFrame) -> None:
    rows = panel.head(2000)
    first, second = (
        fit_backup(name, rows, FEATURES, HYPERPARAMETERS[name], 3, threads).to_onnx() for threads in (1, 2)
    )
    assert first == second
    other = fit_backup(name, rows, FEATURES, HYPERPARAMETERS[name], 4).to_onnx()
    assert (first != other) == (name == "lightgbm" or (name == "svr"))


@pytest.mark.parametrize("name", REGISTRY)
def test_prices_that_never_moved_teach_no_price_effect(name: str, panel: pl.DataFrame) -> None:
    still = panel.head(1800).with_columns(price=pl.col("reference_price"), last_price=pl.col("reference_price"))
    features, price = sweep(np.random.default_rng(0), skus=5, prices=10)
    assert np.ptp(fit(name, still).predict_log(features, price).reshape(5, 10), axis=1).max() < 1e-9


@pytest.mark.parametrize("name", REGISTRY)
def test_a_wrong_hyperparameter_is_named_with_its_bounds(name: str, panel: pl.DataFrame) -> None:
    key, (low, high) = next(iter(REGISTRY[name].bounds.items()))
    with pytest.raises(ParameterError, match=rf"{key} of {name} is -1: it must be a number from {low:g} to {high:g}"):
        fit(name, panel, **{key: -1})
    with pytest.raises(ParameterError, match="all of them"):
        fit_backup(name, panel, FEATURES, {}, seed=1)


def test_an_unknown_backup_is_refused(panel: pl.DataFrame) -> None:
    with pytest.raises(ParameterError, match="'ridge': it must be one of lightgbm, svr, elastic_net"):
        fit_backup("ridge", panel, FEATURES, {}, seed=1)


def test_a_row_that_cannot_be_learnt_from_is_named(panel: pl.DataFrame) -> None:
    rows = panel.head(100)
    third = pl.int_range(pl.len()) == 2
    spoilt = rows.with_columns(season=pl.when(third).then(float("nan")).otherwise("season"))
    with pytest.raises(
        ModelError, match=r"season cannot be learnt from in 1 panel rows \(first: SKU 00000, week 2024-01-15"
    ):
        fit("svr", spoilt)
    with pytest.raises(ModelError, match=r"units cannot be learnt from in 1 "):
        fit("svr", rows.with_columns(units=pl.when(third).then(-1.0).otherwise("units")))
    with pytest.raises(ModelError, match=r"price cannot be learnt from in 1 "):
        fit("svr", rows.with_columns(price=pl.when(third).then(0.0).otherwise("price")))
    with pytest.raises(ModelError, match=r"lacks the columns \['season'\]"):
        fit("svr", rows.drop("season"))
