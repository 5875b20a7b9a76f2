"""The models that answer for a price: the network, then the backups of the release, last its price list.

A release says which backups it has: its catalog holds an array `smear_<backup>` of each, in the order in which they
answer.
"""

import re
from collections.abc import Iterable

NETWORK, LIST_MODEL = "network", "price_list"
SMEAR = "smear_"
NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")  # of a model: it becomes part of file names, arrays and parameters


def models_of(arrays: Iterable[str]) -> tuple[str, ...]:
    """The models of a release, in the order in which they answer, by the names of its catalog's arrays."""
    return (NETWORK, *(name.removeprefix(SMEAR) for name in arrays if name.startswith(SMEAR)))
