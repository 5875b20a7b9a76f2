"""Log units = level(features) - slope x log price ratio: what SVR and Elastic Net have in common.

The level is learnt on log units freed from the price effect (price_effect.py), so that it holds for a SKU at its
reference price. Demand cannot rise with price: the level does not see it and the slope is never below 0.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pricewright.backups.graph import INPUT, OUTPUT, model_bytes
from pricewright.backups.inputs import Floats, Inputs, Singles
from pricewright.backups.price_effect import BOUND, moments, price_slope, standardise

STANDARDISED, LEVEL = "standardised", "level"


class Level(Protocol):
    """A regression of log units on standardised features."""

    def predict(self, standardised: Floats) -> Floats:
        """Log units at the reference price, (n,), from features (n, k) in standard deviations."""

    def nodes(self) -> tuple[list[Any], dict[str, NDArray[Any]]]:
        """The same as ONNX nodes from STANDARDISED (n, k) to LEVEL (n, 1), with their constants."""


@dataclass(frozen=True)
class PartiallyLinear:
    """A fitted level and slope; mean and scale (k,) standardise the features."""

    name: str
    mean: Floats
    scale: Floats
    level: Level
    slope: float

    def predict_log(self, features: Singles, price: Singles) -> Floats:
        """Log units of n rows; features (n, k), price (n, 3) as in PRICE_FEATURES."""
        level = self.level.predict(standardise(features, self.mean, self.scale))
        return level - self.slope * price[:, 0].astype(np.float64)

    def to_onnx(self) -> bytes:
        """The same as an ONNX graph, see graph.py."""
        from onnx import helper

        k = len(self.mean)
        level_nodes, level_constants = self.level.nodes()
        constants: Mapping[str, NDArray[Any]] = {
            "features_end": np.array([k], np.int64),
            "ratio_end": np.array([k + 1], np.int64),
            "first": np.array([0], np.int64),
            "columns": np.array([1], np.int64),
            "mean": self.mean.astype(np.float32),
            "scale": self.scale.astype(np.float32),
            "lowest": np.array(-BOUND, np.float32),
            "highest": np.array(BOUND, np.float32),
            "slope": np.array(self.slope, np.float32),
            **level_constants,
        }
        nodes = [
            helper.make_node("Slice", [INPUT, "first", "features_end", "columns"], ["features"]),
            helper.make_node("Slice", [INPUT, "features_end", "ratio_end", "columns"], ["log_price_ratio"]),
            helper.make_node("Sub", ["features", "mean"], ["centred"]),
            helper.make_node("Div", ["centred", "scale"], ["scaled"]),
            helper.make_node("Clip", ["scaled", "lowest", "highest"], [STANDARDISED]),
            *level_nodes,
            helper.make_node("Mul", ["log_price_ratio", "slope"], ["fall"]),
            helper.make_node("Sub", [LEVEL, "fall"], [OUTPUT]),
        ]
        return model_bytes(nodes, constants, k + 3, self.name)


def fit_partially_linear(name: str, inputs: Inputs, fit_level: Callable[[Floats, Floats], Level]) -> PartiallyLinear:
    """Slope first, then the level; `fit_level` gets standardised features (n, k) and price-free log units (n,)."""
    slope = price_slope(inputs)
    mean, scale = moments(inputs.features)
    price_free = inputs.log_units + slope * inputs.log_price_ratio
    return PartiallyLinear(name, mean, scale, fit_level(standardise(inputs.features, mean, scale), price_free), slope)
