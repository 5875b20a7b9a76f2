"""Seventeen small releases in a lake: the one that is served, and sixteen that want to be."""

from pathlib import Path

from blocks.lake import Lake
from pricewright.release import write_bundle
from tasks.releases import write_release
from testing.synthetic_release import contents

GATES = {gate: {"status": "ok", "checks": []} for gate in ("drift", "proof", "fairness")}


def sixteen(store: str, folder: Path) -> tuple[str, list[str]]:
    """The first, and its sixteen rivals; written to the lake, served by no channel."""
    made = []
    for number in range(17):
        manifest = write_bundle(folder / "bundles", **contents(level=number / 10, skus=5) | {"gates": GATES})
        write_release(Lake(store), folder / "bundles", manifest)
        made.append(manifest.id)
    return made[0], made[1:]
