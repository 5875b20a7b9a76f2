"""`pricewright stage` and `configure`: what dvc.yaml and the Makefile call."""

from typing import Annotated

import typer

from cli.console import console
from tasks.root import find_root


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""

    @app.command(name="stage", rich_help_panel="For dvc.yaml")
    def _stage(
        verb: Annotated[str, typer.Argument(help="ingest, feature, drift, tune, train, fairness or promote.")],
    ) -> None:
        """Do the work of one stage, whether it is stale or not; `dvc repro` calls this."""
        import json

        from demand.errors import ParameterError
        from tasks.stage import do
        from tasks.stages import STAGES
        from tasks.workspace import Workspace

        if verb not in STAGES:
            raise ParameterError(f"there is no stage {verb}.", hint=f"the stages are {', '.join(STAGES)}.")
        workspace = Workspace(find_root())
        do(STAGES[verb], workspace)
        metrics = json.loads(workspace.metrics(verb).read_text())
        console().print(f"{verb}: {STAGES[verb].line(metrics)}", markup=False)

    @app.command(name="configure", rich_help_panel="For dvc.yaml")
    def _configure() -> None:
        """Write run.yaml with the defaults, as a first `pricewright run` would find them."""
        from tasks.workspace import configure

        configure(find_root())
