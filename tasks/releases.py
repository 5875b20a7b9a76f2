"""Releases in the lake: write one, verify what the lake holds, list them, and move a channel to one."""

import getpass
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from blocks.channel import Channel, Pointer
from blocks.lake import Lake
from demand.errors import LedgerError, PricewrightError, ReleaseError
from demand.release import Manifest, verify_bundle
from demand.release.manifest import MANIFEST
from tasks.gates import pass_gates
from tasks.smoke import smoke_test
from tasks.workspace import Workspace


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
    place = f"releases/{manifest.id}"
    if lake.find(f"{place}/{MANIFEST}") is None:
        for name in (*sorted(manifest.files), MANIFEST):
            lake.write_new(f"{place}/{name}", (folder / manifest.id / name).read_bytes())


def verify_release(lake: Lake, release: str) -> Manifest:
    """The manifest of a release whose files the lake holds unaltered. Raises ReleaseError otherwise."""
    place = f"releases/{release}"
    blob = lake.find(f"{place}/{MANIFEST}")
    if blob is None:
        raise ReleaseError(f"the lake {lake.url} has no release {release}.", hint="see pricewright releases.")
    manifest = Manifest.from_json(blob.body)
    verify_bundle(lambda name: lake.read(f"{place}/{name}").body, manifest)
    return manifest


def promote_release(lake: Lake, release: str, channel: str, smoke_skus: int, by: str = "") -> Pointer:
    """Read a release back from the lake, ask it for prices as the price API would, then move the pointer: one swap.

    `by` is who promotes it; empty: whoever runs this process.
    """
    manifest = verify_release(lake, release)
    pass_gates(manifest.gates, str(manifest.gates.get("override") or ""))
    smoke_test(lake, release, smoke_skus)
    return Channel(lake, channel).point(release, by or whoever(), now())


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


def whoever() -> str:
    """Who runs this process; containers may know no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def _listed(lake: Lake, release: str) -> Listed:
    try:
        manifest = Manifest.from_json(lake.read(f"releases/{release}/{MANIFEST}").body)
    except PricewrightError as error:
        return Listed(release, "?", "?", f"unreadable: {error.message}", "?")
    gates = [f"{name} {gate['status']}" for name, gate in manifest.gates.items() if isinstance(gate, dict)]
    if manifest.gates.get("override"):
        gates.append("overridden")
    wape = manifest.metrics.get("models", {}).get("network", {}).get("wape")
    shown = "?" if wape is None else f"{wape:.3f}"
    return Listed(release, manifest.week, manifest.created, ", ".join(gates), shown)
