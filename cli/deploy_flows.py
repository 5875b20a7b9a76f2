"""`pricewright deploy-flows`: brings a Prefect server to what this checkout says."""

import os

import typer

from cli.console import console
from cli.prefect_api import use_prefect
from tasks.root import find_root


def register(app: typer.Typer) -> None:
    """Add the command to the app."""

    @app.command(name="deploy-flows", rich_help_panel="Operate")
    def _deploy_flows() -> None:
        """Deploy the flows to the server of PREFECT_API_URL: work pool, deployments, blocks, automations.

        Every variable is checked first; it fails unless the server really schedules the next weekly run.
        """
        use_prefect()
        from deployments.apply import apply

        out = console()
        applied = apply(find_root(), os.environ, lambda words: out.print(f"  {words}", markup=False))
        out.print(f"  next run of refresh-prices/weekly: {applied.next_run:%Y-%m-%d %H:%M} UTC", markup=False)
