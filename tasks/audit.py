"""Audits lake and workspace: channels, releases, and what the workspace itself promises. Reads only.

Run it while no run is at work: what a run is about to write is not there yet.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from blocks.channel import Channel, Pointer, Step, channels, pointed
from blocks.lake import Lake
from pricewright.audit import AuditFinding, first_of
from pricewright.core.errors import LakeError, LedgerError, PricewrightError, ReleaseError
from pricewright.core.manifest import MANIFEST, release_key
from tasks.audit_data import Checked, check_fresh, check_locks, check_mirrors, check_rows
from tasks.decisions import check_entry, check_step
from tasks.releases import read_manifest, verify_release
from tasks.run import open_ledger
from tasks.smoke import smoke_test
from tasks.workspace import Workspace

if TYPE_CHECKING:
    from blocks.approval_key import ApprovalKey

HINT = "pricewright promote or roll-back moves it to a release of the lake: pricewright releases."
SKUS = 3  # that each release is asked for


def check_channels(lake: Lake) -> Checked:
    """One finding for each thing that is wrong with a pointer."""
    names = channels(lake)
    findings = tuple(finding for name in names for finding in _of(lake, name))
    return Checked("channels", f"{len(names)} pointers: {', '.join(names) or 'nothing was promoted'}", findings)


def _of(lake: Lake, name: str) -> Iterator[AuditFinding]:
    what = f"channel {name}"
    try:
        pointer = Channel(lake, name).read()
    except LakeError as error:
        if lake.find(f"channels/{name}.json") is None:
            raise
        yield AuditFinding(what, error.message, "a channel is a pointer to a release", HINT)
        return
    if pointer is not None:
        yield from _moved(what, pointer)
        for release in filter(None, (pointer.release, pointer.previous)):
            if lake.find(release_key(release, MANIFEST)) is None:
                yield AuditFinding(
                    what, f"it names {release}, which is not there", "it names releases that the lake holds", HINT
                )


def _moved(what: str, pointer: Pointer) -> Iterator[AuditFinding]:
    try:
        datetime.fromisoformat(pointer.promoted_at)
    except (TypeError, ValueError):
        yield AuditFinding(what, f"it was moved at {pointer.promoted_at!r}", "a pointer says when, in ISO 8601", HINT)
    if not pointer.promoted_by:
        yield AuditFinding(what, "it was moved by nobody", "a pointer says who moved it", HINT)


def check_decisions(lake: Lake, key: "ApprovalKey | None" = None) -> Checked:
    """What channels served lets itself be traced: manifests as they were then, decisions kept and signed."""
    findings: list[AuditFinding] = []
    steps = 0
    for name in channels(lake):
        for step in _steps(lake, name):
            steps += 1
            findings += _traced(lake, name, step, key)
    signed = "signatures checked" if key else "no signature checked: there is no approval key here"
    return Checked("decisions", f"{steps} releases that channels served, {signed}", tuple(findings))


def _steps(lake: Lake, name: str) -> list[Step]:
    """The latest of each release that a channel served, as far as the lake still has them."""
    try:
        pointer = Channel(lake, name).read()
    except LakeError:  # the check of the channels says so
        return []
    latest: dict[str, Step] = {}
    for step in (pointer.step, *pointer.history) if pointer else ():
        latest.setdefault(step.release, step)
    return [step for step in latest.values() if lake.find(release_key(step.release, MANIFEST)) is not None]


def _traced(lake: Lake, name: str, step: Step, key: "ApprovalKey | None") -> Iterator[AuditFinding]:
    try:
        manifest = read_manifest(lake, step.release)
        check_step(lake, step, manifest, name, key)
        if key:
            for entry in manifest.approvals:
                check_entry(entry, manifest, key)
    except ReleaseError:  # the check of the releases says so
        return
    except PricewrightError as error:
        rule = "what let a release into a channel is kept, signed, and about that release as it is"
        hint = "roll back to another release; look who may write to the lake."
        yield AuditFinding(f"release {step.release} on channel {name}", error.message, rule, hint)


def check_releases(lake: Lake) -> Checked:
    """A release is there when its manifest is; what a killed writer left of others is retention's to remove."""
    ids = sorted({key.split("/")[1] for key in lake.list("releases") if key.endswith(f"/{MANIFEST}")})
    findings, files = [], 0
    for release in ids:
        try:
            files += len(verify_release(lake, release).files)
            smoke_test(lake, release, SKUS)
        except PricewrightError as error:
            findings.append(_finding(lake, release, error))
    return Checked("releases", f"{len(ids)} releases, {files} files with their sha256", tuple(findings))


def _finding(lake: Lake, release: str, error: PricewrightError) -> AuditFinding:
    served = "; a channel needs it" if release in _pointed(lake) else ""
    return AuditFinding(
        f"release {release}",
        f"{error.message}{served}",
        "a release has its files unaltered, loads, and answers as its price list says",
        error.hint or "promote the release again, or roll back to another.",
    )


def _pointed(lake: Lake) -> set[str]:
    try:
        return pointed(lake)
    except LakeError:  # the check of the channels says so
        return set()


def check_workspace(workspace: Workspace, lake: Lake) -> Checked:
    """Outputs that are not what the lock says; a stage that is stale only has something to do, and is not wrong."""
    try:
        ledger = open_ledger(workspace.root, lake)
        wrong = ledger.differing()
        stale = [name for name in ledger.stages if ledger.why_stale(name)]
    except LedgerError as error:
        finding = AuditFinding("dvc.lock", error.message, "it can be read", error.hint or "remove it, and run again.")
        return Checked("workspace", "unreadable", (finding,))
    words = f"{len(ledger.stages)} stages in dvc.lock, stale: {', '.join(stale) or 'none'}"
    if not wrong:
        return Checked("workspace", words)
    finding = AuditFinding(
        "dvc.lock",
        first_of([f"{path} is {state}" for path, state in sorted(wrong.items())]),
        "what a stage made is there as the lock says, or kept by the lake",
        "a run was cut off, or a file was changed by hand: pricewright run makes it again.",
    )
    return Checked("workspace", words, (finding,))


__all__ = ["Checked", "audit"]


def audit(
    lake: Lake, workspace: Workspace | None, *, fresh: bool = False, key: "ApprovalKey | None" = None
) -> Iterator[Checked]:
    """Each check as it is done; `workspace` is one whose runs go to this lake, `fresh` builds the panel once more.

    key: what approvals were signed with, else no signature is checked.

    Raises LakeError when the lake cannot be read: then nothing can be said about it.
    """
    yield check_channels(lake)
    yield check_decisions(lake, key)
    yield check_releases(lake)
    yield check_locks(lake)
    yield check_rows(lake)
    yield check_mirrors(lake)
    if workspace is not None:
        yield check_workspace(workspace, lake)
        if fresh:
            yield check_fresh(workspace, lake)
    elif fresh:
        raise PricewrightError(
            f"no workspace here runs for {lake.url}, so nothing can be rebuilt.", "audit where the runs are."
        )
