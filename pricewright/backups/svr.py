"""The support vector regression: a smooth level (radial basis functions), learnt on a sample of the rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pricewright.backups.backup import BackupModel
from pricewright.backups.inputs import Floats, Inputs
from pricewright.backups.partially_linear import LEVEL, STANDARDISED, PartiallyLinear, fit_partially_linear

NAME = "svr"
HYPERPARAMETERS: Mapping[str, tuple[float, float]] = {
    "cost": (1e-4, 1e4),
    "epsilon": (0.0, 10.0),
    "width": (1e-2, 100.0),
    "sample_rows": (100, 20_000),
}  # lowest, highest
CHUNK = 8_192  # rows predicted at once: the kernel of a chunk and 4,000 vectors takes 260 MB


@dataclass(frozen=True)
class RadialLevel:
    """intercept + sum over support vectors v of weight_v exp(-gamma |z - v|^2); vectors (m, k), weights (m,)."""

    vectors: Floats
    weights: Floats
    intercept: float
    gamma: float

    def predict(self, standardised: Floats) -> Floats:
        """(n,) from (n, k)."""
        chunks = np.array_split(standardised, max(1, -(-len(standardised) // CHUNK)))
        return np.concatenate([self._kernel(chunk) @ self.weights for chunk in chunks]) + self.intercept

    def nodes(self) -> tuple[list[Any], dict[str, NDArray[Any]]]:
        """The kernel as one matrix product: the ready-made SVMRegressor operator takes ten times as long."""
        from onnx import helper

        constants = {
            "twice_vectors": (2 * self.gamma * self.vectors.T).astype(np.float32),
            "vector_norms": (-self.gamma * (self.vectors**2).sum(axis=1)).astype(np.float32)[None, :],
            "gamma": np.array(self.gamma, np.float32),
            "weights": self.weights.astype(np.float32)[:, None],
            "intercept": np.array([self.intercept], np.float32),
        }
        nodes = [
            helper.make_node("ReduceSumSquare", [STANDARDISED], ["norms"], axes=[1], keepdims=1),
            helper.make_node("Mul", ["norms", "gamma"], ["row_norms"]),
            helper.make_node("MatMul", [STANDARDISED, "twice_vectors"], ["products"]),
            helper.make_node("Add", ["products", "vector_norms"], ["half_distances"]),
            helper.make_node("Sub", ["half_distances", "row_norms"], ["exponents"]),
            helper.make_node("Exp", ["exponents"], ["kernel"]),
            helper.make_node("Gemm", ["kernel", "weights", "intercept"], [LEVEL]),
        ]
        return nodes, constants

    def _kernel(self, z: Floats) -> Floats:
        distances = (z**2).sum(axis=1)[:, None] + (self.vectors**2).sum(axis=1)[None, :] - 2 * z @ self.vectors.T
        return np.asarray(np.exp(-self.gamma * np.maximum(distances, 0.0)))


def fit(inputs: Inputs, hyperparameters: Mapping[str, Any], seed: int, threads: int) -> PartiallyLinear:
    """Hyperparameters: cost (C), epsilon, width (of the basis functions) and sample_rows.

    gamma is 1 / (width^2 x features): at width 1 two rows a typical feature apart in all features still see each
    other. Cost grows with the square of the rows, so a seeded sample of at most `sample_rows` is fitted.
    """
    from sklearn.svm import SVR

    gamma = 1.0 / (hyperparameters["width"] ** 2 * inputs.features.shape[1])

    def fit_level(standardised: Floats, log_units: Floats) -> RadialLevel:
        size = min(int(hyperparameters["sample_rows"]), len(log_units))
        chosen = np.sort(np.random.default_rng(seed).choice(len(log_units), size, replace=False))
        svr = SVR(C=hyperparameters["cost"], epsilon=hyperparameters["epsilon"], gamma=gamma, cache_size=500)
        svr.fit(standardised[chosen], log_units[chosen])
        return RadialLevel(svr.support_vectors_, svr.dual_coef_[0], float(svr.intercept_[0]), gamma)

    return fit_partially_linear(NAME, inputs, fit_level)


MODEL = BackupModel(NAME, HYPERPARAMETERS, fit)
