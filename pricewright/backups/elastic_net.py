"""The Elastic Net: the lightest backup, a level linear in the features and one slope of price for all SKUs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pricewright.backups.backup import BackupModel
from pricewright.backups.inputs import Floats, Inputs
from pricewright.backups.partially_linear import LEVEL, STANDARDISED, PartiallyLinear, fit_partially_linear

NAME = "elastic_net"
HYPERPARAMETERS: Mapping[str, tuple[float, float]] = {
    "alpha": (1e-6, 100.0),
    "l1_ratio": (0.0, 1.0),
}  # lowest and highest value
PASSES = 20_000  # of coordinate descent; neighbouring lags are nearly collinear and need thousands, at 1 us each
TOLERANCE = 1e-3


@dataclass(frozen=True)
class LinearLevel:
    """intercept + weights (k,) . standardised features."""

    weights: Floats
    intercept: float

    def predict(self, standardised: Floats) -> Floats:
        """(n,) from (n, k)."""
        return standardised @ self.weights + self.intercept

    def nodes(self) -> tuple[list[Any], dict[str, NDArray[Any]]]:
        """One Gemm."""
        from onnx import helper

        constants = {
            "weights": self.weights.astype(np.float32)[:, None],
            "intercept": np.array([self.intercept], np.float32),
        }
        return [helper.make_node("Gemm", [STANDARDISED, "weights", "intercept"], [LEVEL])], constants


def fit(inputs: Inputs, hyperparameters: Mapping[str, Any], seed: int, threads: int) -> PartiallyLinear:
    """Hyperparameters: alpha (strength of the penalty) and l1_ratio (share of it on absolute values)."""
    from sklearn.linear_model import ElasticNet

    def fit_level(standardised: Floats, log_units: Floats) -> LinearLevel:
        # The Gram matrix makes each pass cost k^2 instead of n k: seconds become milliseconds on 160,000 rows.
        net = ElasticNet(**hyperparameters, precompute=True, max_iter=PASSES, tol=TOLERANCE, random_state=seed)
        net.fit(standardised, log_units)
        return LinearLevel(net.coef_, float(net.intercept_))

    return fit_partially_linear(NAME, inputs, fit_level)


MODEL = BackupModel(NAME, HYPERPARAMETERS, fit)
