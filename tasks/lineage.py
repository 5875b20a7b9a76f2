"""What a run leaves in the lake for other machines: what its stages made, and the week's dvc.lock that says so."""

from collections.abc import Iterator
from contextlib import contextmanager

from pricewright.core.errors import PricewrightError
from tasks.lock import local_stages, publish_lock
from tasks.run import Run


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
