"""What every backup can do, and how each is fitted by its name."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import polars as pl

from pricewright.backups import elastic_net, lightgbm, svr
from pricewright.backups.inputs import Floats, Inputs, Singles, read_inputs
from pricewright.core.errors import ParameterError
from pricewright.core.models import BACKUPS


class Room(Protocol):
    """A module of this package that fits one backup; `HYPERPARAMETERS` has the bounds of each."""

    HYPERPARAMETERS: Mapping[str, tuple[float, float]]

    def fit(self, inputs: Inputs, hyperparameters: Mapping[str, Any], seed: int, threads: int) -> "Backup":
        """Fit to the inputs; hyperparameters have been checked."""


ROOMS: Mapping[str, Room] = {lightgbm.NAME: lightgbm, svr.NAME: svr, elastic_net.NAME: elastic_net}


class Backup(Protocol):
    """A fitted backup."""

    @property
    def name(self) -> str:
        """One of BACKUPS."""

    def predict_log(self, features: Singles, price: Singles) -> Floats:
        """Mean log(1 + units) of n rows, (n,); features (n, k), price (n, 3) as in PRICE_FEATURES."""

    def to_onnx(self) -> bytes:
        """One input "rows" float32 (n, k + 3) = [features | price], one output "log_units" float32 (n, 1)."""


def fit_backup(
    name: str,
    rows: pl.DataFrame,
    features: Sequence[str],
    hyperparameters: Mapping[str, Any],
    seed: int,
    threads: int = 2,
) -> Backup:
    """Fit one of BACKUPS to panel rows; the same seed and rows give the same model.

    hyperparameters: exactly those that the model's module lists, within its bounds, else ParameterError.
    Raises ModelError when the rows cannot be learnt from.
    """
    check_hyperparameters(name, hyperparameters)
    return fit_inputs(name, read_inputs(rows, features), hyperparameters, seed, threads)


def fit_inputs(name: str, inputs: Inputs, hyperparameters: Mapping[str, Any], seed: int, threads: int = 2) -> Backup:
    """Fit one of BACKUPS to arrays; hyperparameters must have been checked, see `check_hyperparameters`."""
    return ROOMS[name].fit(inputs, hyperparameters, seed, threads)


def check_hyperparameters(name: str, hyperparameters: Mapping[str, Any]) -> None:
    """ParameterError when the name is no backup, or a hyperparameter is unknown, missing or out of bounds."""
    if name not in ROOMS:
        raise ParameterError(f"backup is {name!r}: it must be one of {', '.join(BACKUPS)}.")
    bounds = ROOMS[name].HYPERPARAMETERS
    if set(hyperparameters) != set(bounds):
        raise ParameterError(
            f"hyperparameters of {name} are {sorted(hyperparameters)}: they must be {sorted(bounds)}, all of them."
        )
    for key, (low, high) in bounds.items():
        value = hyperparameters[key]
        if isinstance(value, bool) or not isinstance(value, float | int) or not low <= value <= high:
            raise ParameterError(f"{key} of {name} is {value!r}: it must be a number from {low:g} to {high:g}.")
