"""The auditor: is everything that the lake and the workspace promise really so? It reads, and changes nothing.

It wants quiet: while a run is at work, what the run is about to write is not there yet.
"""

from collections.abc import Iterator

from blocks.lake import Lake
from pricewright.core.errors import PricewrightError
from tasks.audit.channels import check_channels
from tasks.audit.checked import Checked
from tasks.audit.fresh import check_fresh
from tasks.audit.lineage import check_locks
from tasks.audit.mirrors import check_mirrors
from tasks.audit.releases import check_releases
from tasks.audit.rows import check_rows
from tasks.audit.workspace import check_workspace
from tasks.workspace import Workspace

__all__ = ["Checked", "audit"]


def audit(lake: Lake, workspace: Workspace | None, *, fresh: bool = False) -> Iterator[Checked]:
    """Each check as it is done; `workspace` is one whose runs go to this lake, `fresh` builds the panel once more.

    Raises LakeError when the lake cannot be read: then nothing can be said about it.
    """
    yield check_channels(lake)
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
            f"no workspace here runs for {lake.url}, so nothing can be built anew.", "audit where the runs are."
        )
