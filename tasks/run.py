"""One run: the workspace it works in, the ledger of its stages, the lake it publishes to."""

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from blocks.lake import Lake
from demand.errors import LedgerError
from tasks.ledger import Entry, Ledger
from tasks.workspace import Workspace, configure


class Run:
    """What the stages of one run share (no dataclass: Prefect would look into one for results to wait for)."""

    def __init__(self, workspace: Workspace, ledger: Ledger, lake: Lake) -> None:
        self.workspace = workspace
        self.ledger = ledger
        self.lake = lake
        self.entries: list[Entry] = []


@contextmanager
def open_run(
    root: Path,
    source: str = "",
    store: str = "",
    columns: Mapping[str, str] | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> Iterator[Run]:
    """A run of this workspace, and no other at the same time. Raises LedgerError while another one works there."""
    with claim(root):
        workspace = configure(root, source, store, columns, overrides)
        yield Run(workspace, Ledger(root), Lake(workspace.store))


@contextmanager
def claim(root: Path) -> Iterator[None]:
    """Hold the workspace; the claim ends with the process, however that ends."""
    path = root / ".pricewright" / "run.lock"
    path.parent.mkdir(exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LedgerError(f"another run works in {root}.", hint="wait for it, or use another checkout.") from None
        yield
    finally:
        os.close(handle)
