"""Asks a release for prices exactly as the price API will: through the Lambda handler."""

from blocks.lake import Lake


def smoke_test(lake: Lake, release: str, skus: int) -> None:
    """Interim."""
