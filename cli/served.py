"""What is served, on the command line: the lake and the channel; `price`, `releases` and `serve` share it."""

from typing import Annotated

import typer

from tasks.root import find_root
from tasks.workspace import Workspace

Store = Annotated[str, typer.Option(help="The lake; default: that of the last run.")]
Name = Annotated[str, typer.Option(help="The channel.")]


def chosen_store(store: str) -> str:
    """The lake that was asked for, else that of the last run."""
    return store or Workspace(find_root()).store
