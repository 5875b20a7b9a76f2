"""`pricewright doctor`: is everything there that a run needs?"""

import typer
from rich.markup import escape

from cli.console import console
from cli.doctor import Finding, examine
from tasks.root import find_root
from tasks.workspace import Workspace

COLOUR = {"ok": "green", "warn": "yellow", "fail": "red"}


def register(app: typer.Typer) -> None:
    """Add the command to the app."""

    @app.command(name="doctor")
    def _doctor() -> None:
        """Check the machine: Python, packages, disk, lake, Redis, Prefect. Exit code 1 when a run would fail."""
        root = find_root()
        findings = examine(root, Workspace(root).store)
        for finding in findings:
            _show(finding)
        if any(finding.status == "fail" for finding in findings):
            raise typer.Exit(1)


def _show(finding: Finding) -> None:
    out = console()
    out.print(f"  [{COLOUR[finding.status]}]{finding.status:<5}[/] {finding.what:<9} {escape(finding.words)}")
    if finding.hint:
        out.print(f"  {'':<5} {'':<9} [dim]{escape(finding.hint)}[/]")
