"""What a backup is, before it is fitted and after; the registry of all of them, and how each is fitted by its name."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import polars as pl

from pricewright.backups.inputs import Floats, Inputs, Singles, read_inputs
from pricewright.core.errors import ParameterError
from pricewright.core.models import LIST_MODEL, NETWORK
from pricewright.registry import Registry


class Backup(Protocol):
    """A fitted backup."""

    @property
    def name(self) -> str:
        """Its name in the REGISTRY."""

    def predict_log(self, features: Singles, price: Singles) -> Floats:
        """Mean log(1 + units) of n rows, (n,); features (n, k), price (n, 3) as in PRICE_FEATURES."""

    def to_onnx(self) -> bytes:
        """One input "rows" float32 (n, k + 3) = [features | price], one output "log_units" float32 (n, 1)."""


@dataclass(frozen=True)
class BackupModel:
    """A backup that can be fitted. bounds: lowest and highest value of every hyperparameter.

    fit(inputs, hyperparameters, seed, threads): the same seed and inputs give the same Backup, with any number of
    threads; hyperparameters have been checked. What they start from and how they are searched stands in params.yaml,
    in `tune.defaults.<name>` and `tune.<name>`.
    """

    name: str
    bounds: Mapping[str, tuple[float, float]]
    fit: Callable[[Inputs, Mapping[str, Any], int, int], Backup]


REGISTRY: Registry[BackupModel] = Registry("backup", reserved=(NETWORK, LIST_MODEL))


def model_names() -> tuple[str, ...]:
    """The models that are tuned and trained, in the order in which they answer."""
    return (NETWORK, *REGISTRY)


def fit_backup(
    name: str,
    rows: pl.DataFrame,
    features: Sequence[str],
    hyperparameters: Mapping[str, Any],
    seed: int,
    threads: int = 2,
) -> Backup:
    """Fit a registered backup to panel rows; the same seed and rows give the same model.

    hyperparameters: exactly those of the model, within its bounds, else ParameterError.
    Raises ModelError when the rows cannot be learnt from.
    """
    check_hyperparameters(name, hyperparameters)
    return fit_inputs(name, read_inputs(rows, features), hyperparameters, seed, threads)


def fit_inputs(name: str, inputs: Inputs, hyperparameters: Mapping[str, Any], seed: int, threads: int = 2) -> Backup:
    """Fit a registered backup to arrays; hyperparameters must have been checked, see `check_hyperparameters`."""
    return REGISTRY[name].fit(inputs, hyperparameters, seed, threads)


def check_hyperparameters(name: str, hyperparameters: Mapping[str, Any]) -> None:
    """ParameterError when the name is not a backup, or a hyperparameter is unknown, missing or out of bounds."""
    if name not in REGISTRY:
        raise ParameterError(f"backup is {name!r}: it must be one of {', '.join(REGISTRY)}.")
    bounds = REGISTRY[name].bounds
    if set(hyperparameters) != set(bounds):
        raise ParameterError(
            f"hyperparameters of {name} are {sorted(hyperparameters)}: they must be {sorted(bounds)}, all of them."
        )
    for key, (low, high) in bounds.items():
        value = hyperparameters[key]
        if isinstance(value, bool) or not isinstance(value, float | int) or not low <= value <= high:
            raise ParameterError(f"{key} of {name} is {value!r}: it must be a number from {low:g} to {high:g}.")
