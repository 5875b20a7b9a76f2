"""The parameters of one network, put together from where params.yaml keeps them."""

from collections.abc import Mapping
from typing import Any


def network_settings(
    params: Mapping[str, Any], hyperparameters: Mapping[str, Any], fitting: Mapping[str, Any]
) -> dict[str, Any]:
    """`network` of params.yaml with its level completed by tuned hyperparameters and by how it is fitted.

    fitting: members, epochs and what else `train.network` says; a trial of the tuning has its own.
    """
    network = params["network"]
    return {**network, "level": {**network["level"], **hyperparameters, **fitting}}
