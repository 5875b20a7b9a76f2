"""The backups: three models of log(1 + units) that answer when the network cannot, never rising with price.

Importing this package costs nothing: inference takes retransform.py from it and has numpy only.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

    from pricewright.backups.backup import Backup

BACKUPS = ("lightgbm", "svr", "elastic_net")  # in the order in which they stand in for the network


def fit_backup(
    name: str,
    rows: "pl.DataFrame",
    features: Sequence[str],
    hyperparameters: Mapping[str, Any],
    seed: int,
    threads: int = 2,
) -> "Backup":
    """Fit one of BACKUPS to panel rows; the same seed and rows give the same model.

    hyperparameters: exactly those that the model's room lists, within its bounds, else ParameterError.
    Raises ModelError when the rows cannot be learnt from.
    """
    from pricewright.backups.backup import check_hyperparameters, fit_inputs
    from pricewright.backups.inputs import read_inputs

    check_hyperparameters(name, hyperparameters)
    return fit_inputs(name, read_inputs(rows, features), hyperparameters, seed, threads)
