"""One run: its workspace, its ledger, its lake, and the lineage it leaves there."""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from blocks.endpoints import dvc_remote
from blocks.lake import Lake
from pricewright.core.errors import GateBlocked, LedgerError, PricewrightError
from pricewright.files import write_whole
from tasks.ledger import Entry, Ledger
from tasks.lock import local_stages, publish_lock, restore_lock
from tasks.workspace import Workspace, configure


@dataclass(frozen=True)
class Outcome:
    """The release that the run came to, and what each stage did."""

    release: str
    stages: tuple[Entry, ...]

    @property
    def promoted(self) -> bool:
        """Whether this run moved the channel."""
        return any(entry.stage == "promote" and entry.how == "ran" for entry in self.stages)

    @property
    def changed(self) -> bool:
        """Whether any stage had something to do."""
        return any(entry.how != "skipped" for entry in self.stages)


class Run:
    """What the stages of one run share (no dataclass: Prefect would look into one for results to wait for)."""

    def __init__(self, workspace: Workspace, ledger: Ledger, lake: Lake) -> None:
        self.workspace = workspace
        self.ledger = ledger
        self.lake = lake
        self.entries: list[Entry] = []

    @property
    def week(self) -> str:
        """The last full week of the panel, as 2011-W48."""
        return str(json.loads(self.workspace.metrics("feature").read_text())["last_week"])

    def bring(self, *paths: str) -> None:
        """Have these results in the workspace: what another machine made comes from the lake."""
        missing = [path for path in paths if not (self.workspace.root / path).exists()]
        if missing:
            self.ledger.pull(missing)

    def outcome(self) -> Outcome:
        """What the run came to."""
        release = json.loads(self.workspace.metrics("promote").read_text())["release"]
        return Outcome(str(release), tuple(self.entries))


@contextmanager
def open_run(
    root: Path,
    source: str = "",
    store: str = "",
    columns: Mapping[str, str] | None = None,
    overrides: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] = os.environ,
    beside: Mapping[str, str] | None = None,
) -> Iterator[Run]:
    """A run of this workspace, and no other at the same time. Raises LedgerError while another one works there.

    `environment`: where the lake's endpoint and region come from. `beside`: files beside the sales, see configure.
    """
    from tasks.source import bring_in

    with claim(root), run_file_kept(root):
        files = {name: bring_in(root, address) for name, address in (beside or {}).items()}
        workspace = configure(root, bring_in(root, source), store, columns, overrides, files)
        workspace = replace(workspace, environment=environment)
        lake = Lake(workspace.store, environment)
        yield Run(workspace, open_ledger(root, lake), lake)


@contextmanager
def run_file_kept(root: Path) -> Iterator[None]:
    """What is run here puts run.yaml back as it was when it fails: other commands go on with the lake that they know.

    A run that a gate stopped has done its work, and is what one looks at next.
    """
    path = root / "run.yaml"
    before = path.read_bytes() if path.exists() else None
    try:
        yield
    except GateBlocked:
        raise
    except BaseException:
        if before is None:
            path.unlink(missing_ok=True)
        elif path.read_bytes() != before:
            write_whole(path, before)
        raise


def open_ledger(root: Path, lake: Lake) -> Ledger:
    """The ledger of a workspace, over the results that are here and those that the lake keeps."""
    return Ledger(root, remote_of(lake), restore_lock(root, lake))


def remote_of(lake: Lake) -> dict[str, str]:
    """The lake as a remote of DVC: made for each run, so that no file of the checkout names a machine or a secret."""
    return dvc_remote(f"{lake.url.rstrip('/')}/dvc", lake.environment)


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


@contextmanager
def kept(run: Run) -> Iterator[None]:
    """When the run ends, however it ends, what its stages made is in the lake, and then the lock that says so.

    A run that a gate stopped is kept as well: once somebody decides, nothing but promotion is left to do. What goes
    wrong here is an error; where the run has one of its own already, a note to that.
    """
    try:
        yield
    except Exception as error:
        try:
            record_lineage(run)
        except PricewrightError as second:
            error.add_note(f"nor did the lake keep what was made: {second.message}")
        raise
    record_lineage(run)


def record_lineage(run: Run) -> None:
    """Push what the run's stages made, then publish their part of dvc.lock under the last full week."""
    stages = [entry.stage for entry in run.entries]
    if run.workspace.metrics("feature").exists():
        run.ledger.push(stages)
        publish_lock(run.lake, run.week, local_stages(run.workspace.root, stages))
