"""`pricewright register-blocks`: what operators configure, filled in for this shop, in Prefect's UI."""

import os

import typer

from cli.console import console
from cli.prefect_api import use_prefect
from cli.served import Store, chosen_store


def register(app: typer.Typer) -> None:
    """Add the command to the app."""

    @app.command(name="register-blocks", rich_help_panel="Operate")
    def _register_blocks(store: Store = "") -> None:
        """Register the blocks with the server of PREFECT_API_URL: lake, price cache, buckets, Lambda function, keys.

        Endpoints, region and Redis come from the environment; no document holds a key of AWS. Doing it again changes
        what differs, and nothing else.
        """
        use_prefect()
        from blocks.register import register_blocks

        for name, how in register_blocks(chosen_store(store), os.environ).items():
            console().print(f"  {how:<10} {name}", markup=False)
