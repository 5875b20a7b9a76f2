"""Approvals in the lake: written into the release's manifest before the channel moves."""

import json
from dataclasses import asdict, replace

from blocks.lake import Lake
from pricewright.core.errors import ChannelConflict
from pricewright.core.release.manifest import MANIFEST, Manifest
from pricewright.release.approval import Approval

ATTEMPTS = 5


def record_approval(lake: Lake, approval: Approval, channel: str) -> Manifest:
    """The manifest with the approval in it, once; its files and id stay. Of two writers one wins, the other retries."""
    key = f"releases/{approval.release}/{MANIFEST}"
    entry = json.loads(json.dumps(asdict(approval) | {"channel": channel}, default=lambda time: time.isoformat()))
    for attempt in range(1, ATTEMPTS + 1):
        seen = lake.read(key)
        manifest = Manifest.from_json(seen.body)
        if entry in [dict(known) for known in manifest.approvals]:
            return manifest
        approved = replace(manifest, approvals=(*manifest.approvals, entry))
        try:
            lake.swap(key, seen, approved.to_json())
            return approved
        except ChannelConflict:
            if attempt == ATTEMPTS:
                raise
    raise AssertionError("unreachable")
