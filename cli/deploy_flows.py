"""`pricewright deploy-flows`: brings a Prefect server to what this checkout says."""

import os
from typing import Annotated

import typer

from cli.console import console
from cli.prefect_api import use_prefect
from tasks.root import find_root

Store = Annotated[str, typer.Option(help="The lake of the flows. Default: its block's, else PRICEWRIGHT_STORE.")]


def register(app: typer.Typer) -> None:
    """Add the command to the app."""

    @app.command(name="deploy-flows", rich_help_panel="Operate")
    def _deploy_flows(store: Store = "") -> None:
        """Deploy the flows to the server of PREFECT_API_URL: work pool, deployments, blocks, automations.

        Every variable is checked first; it fails unless the server really schedules the next weekly run. Blocks that
        are there stay as they are, but for the lake where --store names one.
        """
        use_prefect()
        from deployments.apply import apply

        out = console()
        applied = apply(find_root(), os.environ, lambda words: out.print(f"  {words}", markup=False), store)
        out.print(f"  next run of refresh-prices/weekly: {applied.next_run:%Y-%m-%d %H:%M} UTC", markup=False)
