"""The way back as a step of a flow: what was served before is served again."""

from dataclasses import asdict

from blocks.channel import Pointer
from blocks.lake import Lake
from tasks.action import as_action, leave_page
from tasks.releases import roll_back_release


@as_action
def serve_again(lake: Lake, channel: str, release: str, by: str, reason: str) -> Pointer:
    """See roll_back_release; the run's page says why."""
    pointer = roll_back_release(lake, channel, release, by)
    line = f"{channel} serves {pointer.release} again"
    leave_page("roll-back", line, {name: str(value) for name, value in asdict(pointer).items()} | {"reason": reason})
    return pointer
