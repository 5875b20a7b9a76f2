"""Releases in the lake: write, verify, list, promote, roll back."""

import getpass
import json
import os
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from blocks.channel import Channel, Pointer, Seen
from blocks.lake import Lake
from pricewright.core.errors import ApprovalError, LedgerError, PricewrightError, ReleaseError
from pricewright.core.manifest import MANIFEST, Manifest, need_id, release_key
from pricewright.release import verify_bundle
from pricewright.release.approval import Approval
from tasks.decisions import begin, check_step, finish, need_decision, need_reason, record, subject_of
from tasks.gates import pass_gates, warned
from tasks.prefect_tasks import as_action, leave_page
from tasks.smoke import smoke_test
from tasks.workspace import Workspace

if TYPE_CHECKING:
    from blocks.approval_key import ApprovalKey


@dataclass(frozen=True)
class Listed:
    """A line of `pricewright releases`."""

    id: str
    week: str
    created: str
    gates: str
    wape: str


def write_release(lake: Lake, folder: Path, manifest: Manifest) -> None:
    """All files, the manifest last: a release without one is not there. One that is there is left as it is."""
    prefix = release_key(manifest.id)
    if lake.find(f"{prefix}/{MANIFEST}") is None:
        for name in (*sorted(manifest.files), MANIFEST):
            lake.write_new(f"{prefix}/{name}", (folder / manifest.id / name).read_bytes())


def verify_release(lake: Lake, release: str) -> Manifest:
    """The manifest of a release whose files the lake holds unaltered. Raises ReleaseError otherwise."""
    manifest = look_over(lake, release)  # first the sizes: no file is read that is larger than its manifest says
    verify_bundle(lambda name: lake.read(release_key(release, name)).body, manifest)
    return manifest


def read_manifest(lake: Lake, release: str) -> Manifest:
    """What a release of the lake says about itself. Raises ReleaseError when it is not there, or not that one."""
    need_id(release)
    blob = lake.find(release_key(release, MANIFEST))
    if blob is None:
        raise ReleaseError(f"the lake {lake.url} has no release {release}.", hint="see pricewright releases.")
    manifest = Manifest.from_json(blob.body)
    if manifest.id != release:
        raise ReleaseError(f"the manifest of release {release} is that of {manifest.id}: it was altered.")
    manifest.check_seal()
    return manifest


def promote_release(
    lake: Lake, release: str, channel: str, smoke_skus: int, by: str = "", approval: Approval | None = None
) -> Pointer:
    """Read a release back from the lake, ask it for prices as the price API would, then move the pointer: one swap.

    It replaces what was served when it began, nothing else. Raises ChannelConflict when somebody moved the channel
    since, ReleaseInUse while retention removes the release, ApprovalError where the decision does not hold, or is
    missing on a channel that decisions move. `by` is who promotes it; empty: the user of this process. Whoever hands
    an approval over ends its use afterwards (decisions.finish).
    """
    need_id(release)
    line, by = Channel(lake, channel), by or current_user()
    seen = line.see()

    def look() -> tuple[str, str]:
        manifest = verify_release(lake, release)
        pass_gates(manifest.gates, str(manifest.gates.get("override") or ""))
        _permit(lake, line, seen, manifest, by, approval)
        smoke_test(lake, release, smoke_skus)
        return manifest.digest, approval.nonce if approval else ""

    return line.move(release, by, now, look, seen)


def _permit(lake: Lake, line: Channel, seen: Seen, manifest: Manifest, by: str, approval: Approval | None) -> None:
    """Begin the use of a decision, its signature checked once more; or see that none is needed."""
    if approval is None:
        return need_decision(line, seen, manifest.id)
    from blocks.approval_key import load_approval_key

    subject = subject_of(manifest, line.name, approval.subject.image)
    decided = load_approval_key(os.environ).verify(approval.token, subject, now())
    need_reason(decided, warned(manifest.gates))
    return begin(lake, decided, seen, by, now())


def roll_back_release(
    lake: Lake,
    channel: str,
    release: str = "",
    by: str = "",
    approval: Approval | None = None,
    seen: Seen | None = None,
) -> Pointer:
    """Serve a release again that the channel served before: the given one, or the one before the present one.

    For the minute in which something is wrong: no Prefect, no files verified that no answer needs. The release is
    whole by its sizes, loads as the price API loads it, and answers for one SKU; then the pointer moves, unless it is
    no longer as `seen` (None: as it is now). Its gates and its decision are those it was served with: no gate blocks
    it. A release that was never served needs an approval. Raises ChannelConflict, ApprovalError, ReleaseError.
    """
    line, by = Channel(lake, channel), by or current_user()
    seen = seen or line.see()
    target = release or (approval.subject.release if approval else line.previous(seen))
    need_id(target)

    def look() -> tuple[str, str]:
        manifest = look_over(lake, target)
        if approval is None:
            step = line.step(seen, target)
            check_step(lake, step, manifest, channel, known_key() if step.approval else None)
        else:
            pass_gates(manifest.gates, str(manifest.gates.get("override") or ""))
            _permit(lake, line, seen, manifest, by, approval)
        smoke_test(lake, target, skus=1)
        return manifest.digest, approval.nonce if approval else step.approval

    return line.move(target, by, now, look, seen)


def known_key() -> "ApprovalKey | None":
    """The key of this process, where it has one: a roll-back must not wait for somebody who does."""
    from blocks.approval_key import load_approval_key

    try:
        return load_approval_key(os.environ)
    except ApprovalError:
        return None


def look_over(lake: Lake, release: str) -> Manifest:
    """The manifest of a release whose files are all there, by their sizes. Raises ReleaseError otherwise."""
    manifest, prefix = read_manifest(lake, release), release_key(release)
    sizes = lake.list(prefix)
    for name, entry in sorted(manifest.files.items()):
        size = sizes.get(f"{prefix}/{name}", 0)
        if size != entry.size:
            raise ReleaseError(
                f"{name} of release {release} has {size} bytes in the lake, its manifest says {entry.size}.",
                hint="name another release: see pricewright releases.",
            )
    return manifest


def read_releases(lake: Lake) -> list[Listed]:
    """All releases of the lake, the newest first; one whose manifest cannot be read is listed as such."""
    ids = sorted({key.split("/")[1] for key in lake.list("releases") if key.endswith(f"/{MANIFEST}")})
    return sorted((_listed(lake, release) for release in ids), key=lambda one: one.created, reverse=True)


def last_release(workspace: Workspace) -> str:
    """The release that the last run in this workspace came to."""
    path = workspace.metrics("promote")
    if not path.exists():
        raise LedgerError("no run of this workspace has come to a release.", hint="pricewright run, or name a release.")
    return str(json.loads(path.read_text())["release"])


def now() -> datetime:
    """The present instant, in UTC."""
    return datetime.now(UTC)


def current_user() -> str:
    """Who runs this process; containers may know no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def _listed(lake: Lake, release: str) -> Listed:
    try:
        manifest = read_manifest(lake, release)
    except PricewrightError as error:
        return Listed(release, "?", "?", f"unreadable: {error.message}", "?")
    gates = [f"{name} {gate['status']}" for name, gate in manifest.gates.items() if isinstance(gate, dict)]
    if manifest.gates.get("override"):
        gates.append("overridden")
    wape = manifest.metrics.get("models", {}).get("network", {}).get("wape")
    shown = "?" if wape is None else f"{wape:.3f}"
    return Listed(release, manifest.week, manifest.created, ", ".join(gates), shown)


def read_decision(token: str) -> Approval | None:
    """The decision in a token, None without one; whether it holds is seen where it is used.

    Raises ApprovalError for one about an image, which a deployment alone uses.
    """
    if not token:
        return None
    from blocks.approval_key import load_approval_key

    approval = load_approval_key(os.environ).read(token)
    approval.need(approval.subject._replace(image=""))
    return approval


def decided_promotion(lake: Lake, release: str, channel: str, smoke_skus: int, token: str) -> Pointer:
    """Promote, with a signed decision where decisions move the channel: its use ends with that."""
    approval = read_decision(token)
    pointer = promote_release(lake, release, channel, smoke_skus, approval=approval)
    _end(lake, approval)
    return pointer


def decided_roll_back(lake: Lake, channel: str, release: str, by: str, token: str) -> Pointer:
    """Roll back, with a signed decision where the release was never served: its use ends with that."""
    approval = read_decision(token)
    pointer = roll_back_release(lake, channel, release, by, approval)
    _end(lake, approval)
    return pointer


def _end(lake: Lake, approval: Approval | None) -> None:
    if approval:
        record(lake, approval)
        finish(lake, approval, now())


@as_action
def serve_again(lake: Lake, channel: str, release: str, by: str, reason: str, decision: str = "") -> Pointer:
    """See roll_back_release; the run's page says why."""
    pointer = decided_roll_back(lake, channel, release, by, decision)
    line = f"{channel} serves {pointer.release} again"
    shown = {name: str(value) for name, value in asdict(pointer).items() if name != "served"}
    leave_page("roll-back", line, shown | {"reason": reason})
    return pointer
