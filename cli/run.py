"""`pricewright run`: the weekly job on this machine, with its own Prefect server where there is none."""

from contextlib import ExitStack
from typing import Annotated, Any

import typer

from cli.console import Watcher, console
from demand.errors import ParameterError
from tasks.root import find_root

Texts = list[str] | None


def register(app: typer.Typer) -> None:
    """Add the command to the app."""

    @app.command(name="run")
    def _run(
        source: Annotated[str, typer.Option(help="CSV, Parquet or xlsx file of sales. Default: a simulated market.")] = "",
        store: Annotated[str, typer.Option(help="The lake: a folder or s3://bucket/prefix. Default: ./lake.")] = "",
        param: Annotated[Texts, typer.Option(help="A number of params.yaml for this run, as train.seed=7; repeatable.")] = None,
        column: Annotated[Texts, typer.Option(help="A column's name in the file, as invoice=BillNo; repeatable.")] = None,
    ) -> None:
        """Learn from the sales and release new prices: ingest, feature, drift, tune, train, fairness, promote.

        Stages whose data, code and parameters did not change are skipped. Exit code 0: a release was promoted, or
        nothing had changed; 1: a gate or an error stopped it; 2: the file or a parameter cannot be used.
        """
        from tasks.parameters import parse_overrides

        refresh(source, store, parse_overrides(param or []), _columns(column or []))


def refresh(source: str, store: str, parameters: dict[str, Any], columns: dict[str, str]) -> None:
    """Run the flow and show how it came out."""
    from cli.summary import show_summary
    from tasks.progress import WATCHING
    from tasks.run import is_fresh
    from tasks.workspace import configure

    out, root = console(), find_root()
    workspace = configure(root, source, store, columns, parameters)
    out.print(f"[bold]pricewright[/]  {workspace.described}  ->  {workspace.store}")
    with ExitStack() as stack:
        fresh = is_fresh(workspace)
        if not fresh:
            from flows.embedded import prefect_server

            with out.status("  starting Prefect"):
                stack.enter_context(prefect_server(root / ".pricewright" / "prefect"))
        from flows.refresh_prices import refresh_prices
        from flows.request import RefreshRequest

        token = WATCHING.set(stack.enter_context(Watcher(out)))
        stack.callback(WATCHING.reset, token)
        request = RefreshRequest(source=source, store=store, parameters=parameters, columns=columns)
        outcome = refresh_prices.fn(request) if fresh else refresh_prices(request)
    show_summary(out, workspace, outcome)


def _columns(texts: list[str]) -> dict[str, str]:
    pairs = [text.partition("=") for text in texts]
    wrong = [text for text, (name, equals, header) in zip(texts, pairs, strict=True) if not (name and equals and header)]
    if wrong:
        raise ParameterError(f"{wrong[0]!r} is no column.", hint="write --column name=header, as invoice=BillNo.")
    return {name.strip(): header.strip() for name, _, header in pairs}
