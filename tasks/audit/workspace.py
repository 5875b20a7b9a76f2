"""The workspace's own dvc.lock is consistent with what lies there."""

from blocks.lake import Lake
from pricewright.audit import Finding, first_of
from pricewright.core.errors import LedgerError
from tasks.audit.checked import Checked
from tasks.run import open_ledger
from tasks.workspace import Workspace


def check_workspace(workspace: Workspace, lake: Lake) -> Checked:
    """Outputs that are not what the lock says; a stage that is stale only has something to do, and is not wrong."""
    try:
        ledger = open_ledger(workspace.root, lake)
        wrong = ledger.differing()
        stale = [name for name in ledger.stages if ledger.why_stale(name)]
    except LedgerError as error:
        finding = Finding("dvc.lock", error.message, "it can be read", error.hint or "remove it, and run again.")
        return Checked("workspace", "unreadable", (finding,))
    words = f"{len(ledger.stages)} stages in dvc.lock, stale: {', '.join(stale) or 'none'}"
    if not wrong:
        return Checked("workspace", words)
    finding = Finding(
        "dvc.lock",
        first_of([f"{path} is {state}" for path, state in sorted(wrong.items())]),
        "what a stage made is there as the lock says, or kept by the lake",
        "a run was cut off, or a file was changed by hand: pricewright run makes it again.",
    )
    return Checked("workspace", words, (finding,))
