"""Every channel's pointer names releases that the lake holds, and says who moved it when."""

from collections.abc import Iterator
from datetime import datetime

from blocks.channel import Channel, Pointer, channels
from blocks.lake import Lake
from pricewright.audit import Finding
from pricewright.core.errors import LakeError
from pricewright.core.release.manifest import MANIFEST
from tasks.audit.checked import Checked

HINT = "pricewright promote or roll-back moves it to a release of the lake: pricewright releases."


def check_channels(lake: Lake) -> Checked:
    """One finding for each thing that is wrong with a pointer."""
    names = channels(lake)
    findings = tuple(finding for name in names for finding in _of(lake, name))
    return Checked("channels", f"{len(names)} pointers: {', '.join(names) or 'nothing was promoted'}", findings)


def _of(lake: Lake, name: str) -> Iterator[Finding]:
    what = f"channel {name}"
    try:
        pointer = Channel(lake, name).read()
    except LakeError as error:
        if lake.find(f"channels/{name}.json") is None:
            raise
        yield Finding(what, error.message, "a channel is a pointer to a release", HINT)
        return
    if pointer is not None:
        yield from _moved(what, pointer)
        for release in filter(None, (pointer.release, pointer.previous)):
            if lake.find(f"releases/{release}/{MANIFEST}") is None:
                yield Finding(
                    what, f"it names {release}, which is not there", "it names releases that the lake holds", HINT
                )


def _moved(what: str, pointer: Pointer) -> Iterator[Finding]:
    try:
        datetime.fromisoformat(pointer.promoted_at)
    except (TypeError, ValueError):
        yield Finding(what, f"it was moved at {pointer.promoted_at!r}", "a pointer says when, in ISO 8601", HINT)
    if not pointer.promoted_by:
        yield Finding(what, "it was moved by nobody", "a pointer says who moved it", HINT)
