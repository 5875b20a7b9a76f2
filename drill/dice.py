"""Chance that the seed decides: the same drill, the same questions for the same seed; no secret is made of it."""

from random import Random


def dice(seed: int) -> Random:
    """Of its own for whoever throws them."""
    return Random(seed)  # noqa: S311  # nosec B311 # what breaks when is no secret
