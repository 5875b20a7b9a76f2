"""`pricewright audit`: does the lake, and the workspace that runs for it, keep every promise?"""

from typing import Annotated

import typer
from rich.markup import escape

from cli.console import console
from cli.quiet import quiet
from cli.served import Store
from tasks.root import find_root
from tasks.workspace import Workspace

Fresh = Annotated[bool, typer.Option("--fresh", help="Also build transactions and panel once more, and compare bytes.")]


def register(app: typer.Typer) -> None:
    """Add the command to the app."""

    @app.command(name="audit", rich_help_panel="Operate")
    def _audit(store: Store = "", fresh: Fresh = False) -> None:
        """Check the invariants: rows accounted for, releases whole, pointers valid, locks and folders consistent.

        It reads and changes nothing; let no run be at work meanwhile. Exit code 1 when anything is wrong.
        """
        from blocks.lake import Lake
        from tasks.audit import audit

        workspace = Workspace(find_root())
        lake = Lake(store or workspace.store)
        own = workspace if lake.url == Lake(workspace.store).url else None
        out, wrong = console(), 0
        with quiet():
            for checked in audit(lake, own, fresh=fresh):
                wrong += len(checked.findings)
                mark = "[red]wrong[/]" if checked.findings else "[green]ok   [/]"
                out.print(f"  {mark} {checked.name:<11} {escape(checked.words)}")
                for finding in checked.findings:
                    out.print(f"        {escape(f'{finding.what}: {finding.seen}; the rule: {finding.rule}.')}")
                    out.print(f"        [dim]hint: {escape(finding.hint)}[/]")
        if wrong:
            out.print(f"{wrong} things are wrong in {escape(lake.url)}.")
            raise typer.Exit(1)
