"""How a run ends."""

from rich.console import Console
from tasks.run import Outcome
from tasks.workspace import Workspace


def show_summary(out: Console, workspace: Workspace, outcome: Outcome) -> None:
    out.print(str(outcome))
