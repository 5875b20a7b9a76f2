"""`pricewright stage` and `configure`: what dvc.yaml and the Makefile call."""

from typing import Annotated

import typer

from cli.console import console
from cli.options import Columns, Mapping, Params, Source, Store, parse_asked
from cli.quiet import quiet
from tasks.root import find_root


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""

    @app.command(name="stage", rich_help_panel="For dvc.yaml")
    def _stage(
        verb: Annotated[str, typer.Argument(help="A stage of dvc.yaml, such as train; any other word lists them.")],
    ) -> None:
        """Do the work of one stage, whether it is stale or not; `dvc repro` calls this."""
        import json

        from blocks.lake import Lake
        from pricewright.core.errors import ParameterError
        from tasks.stage import do, publish
        from tasks.stages import STAGES
        from tasks.workspace import Workspace

        if verb not in STAGES:
            raise ParameterError(f"there is no stage {verb}.", hint=f"the stages are {', '.join(STAGES)}.")
        workspace = Workspace(find_root())
        with quiet():
            do(STAGES[verb], workspace)
        publish(STAGES[verb], workspace, Lake(workspace.store))
        metrics = json.loads(workspace.metrics(verb).read_text())
        console().print(f"{verb}: {STAGES[verb].said(metrics)}", markup=False)

    @app.command(name="configure", rich_help_panel="For dvc.yaml")
    def _configure(
        source: Source = "",
        store: Store = "",
        param: Params = None,
        column: Columns = None,
        mapping: Mapping = "",
    ) -> None:
        """Write run.yaml, as `pricewright run` with the same options would, and run nothing: `dvc repro` follows it."""
        from tasks.workspace import configure

        at = configure(find_root(), source, store, *parse_asked(param, column, mapping))
        console().print(f"run.yaml: {at.described}  ->  {at.store}", markup=False)
