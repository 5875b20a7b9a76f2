"""LightGBM: the first backup, boosted trees that may only fall with what is derived from the price."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pricewright.backups.backup import BackupModel
from pricewright.backups.inputs import INPUT, IR_VERSION, OPSET, Floats, Inputs, Singles, name_output
from pricewright.core.price_features import PRICE_FEATURES

NAME = "lightgbm"
HYPERPARAMETERS: Mapping[str, tuple[float, float]] = {  # lowest and highest value
    "trees": (1, 5_000),
    "learning_rate": (1e-4, 1.0),
    "leaves": (2, 4_096),
    "min_leaf_rows": (1, 1_000_000),
    "feature_share": (0.01, 1.0),
    "row_share": (0.01, 1.0),
    "l2": (0.0, 1e6),
}


@dataclass(frozen=True)
class LightGBMBackup:
    """A booster on [features | price]; `width` is the number of its inputs."""

    booster: Any
    width: int
    threads: int
    name: str = NAME

    def predict_log(self, features: Singles, price: Singles) -> Floats:
        """Log units of n rows; features (n, k), price (n, 3) as in PRICE_FEATURES."""
        predicted = self.booster.predict(np.hstack([features, price]), num_threads=self.threads)
        return np.asarray(predicted, dtype=np.float64)

    def to_onnx(self) -> bytes:
        """The same as an ONNX graph, see inputs.py."""
        from onnxmltools.convert import convert_lightgbm
        from onnxmltools.convert.common.data_types import FloatTensorType

        model = convert_lightgbm(
            self.booster, initial_types=[(INPUT, FloatTensorType([None, self.width]))], target_opset=OPSET, name=NAME
        )
        model.ir_version = IR_VERSION
        return name_output(model)


def fit(inputs: Inputs, hyperparameters: Mapping[str, Any], seed: int, threads: int) -> LightGBMBackup:
    """Squared error on log units, the same trees for the same seed and any number of threads."""
    import lightgbm

    data = np.hstack([inputs.features, inputs.price])
    rows = lightgbm.Dataset(data, label=inputs.log_units, params={"verbosity": -1})
    settings = _settings(hyperparameters, inputs.features.shape[1], seed, threads)
    booster = lightgbm.train(settings, rows, num_boost_round=int(hyperparameters["trees"]))
    return LightGBMBackup(_single_thresholds(booster), data.shape[1], threads)


def _settings(hyperparameters: Mapping[str, Any], k: int, seed: int, threads: int) -> dict[str, Any]:
    return {
        "objective": "regression",
        "learning_rate": hyperparameters["learning_rate"],
        "num_leaves": int(hyperparameters["leaves"]),
        "min_data_in_leaf": int(hyperparameters["min_leaf_rows"]),
        "feature_fraction": hyperparameters["feature_share"],
        "bagging_fraction": hyperparameters["row_share"],
        "bagging_freq": 1,
        "lambda_l2": hyperparameters["l2"],
        # Each column derived from the price rises with it, so falling in all of them is falling in the price.
        "monotone_constraints": [0] * k + [-1] * len(PRICE_FEATURES),
        "monotone_constraints_method": "intermediate",  # as fast as none; `basic` and `advanced` take twice as long
        "deterministic": True,
        "force_col_wise": True,  # which LightGBM asks for beside deterministic
        "seed": seed,
        "num_threads": threads,
        "verbosity": -1,
    }


def _single_thresholds(booster: Any) -> Any:
    """The same booster with thresholds that float32 holds exactly, rounded down.

    Inputs are float32, so value <= threshold stays as it was for each of them; ONNX keeps thresholds as float32,
    and one that was rounded up would send a row to the other side of the split.
    """
    import lightgbm

    def rounded(line: re.Match[str]) -> str:
        values = np.array(line[1].split(), dtype=np.float64)
        single = values.astype(np.float32)
        single = np.where(single > values, np.nextafter(single, np.float32(-np.inf)), single)
        return "threshold=" + " ".join(repr(float(v)) for v in single)

    text = re.sub(r"^tree_sizes=.*\n", "", booster.model_to_string(), flags=re.MULTILINE)  # they change with the text
    text = re.sub(r"^threshold=(.+)$", rounded, text, flags=re.MULTILINE)
    return lightgbm.Booster(model_str=text)


MODEL = BackupModel(NAME, HYPERPARAMETERS, fit)
