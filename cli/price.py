"""`pricewright price`: asks what the price API would answer."""

import typer


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
