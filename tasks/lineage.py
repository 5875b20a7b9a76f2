"""The ledger of a week in the lake: `lineage/<week>/dvc.lock`, so that another machine knows what ran."""

from demand.errors import ChannelConflict
from tasks.run import Run

ATTEMPTS = 3


def record_lineage(run: Run) -> None:
    """Publish dvc.lock under the run's last full week; of two writers one wins, the other reads again and retries."""
    key, body = f"lineage/{run.week}/dvc.lock", run.ledger.lock_file.read_bytes()
    for attempt in range(1, ATTEMPTS + 1):
        seen = run.lake.find(key)
        if seen is not None and seen.body == body:
            return
        try:
            run.lake.swap(key, seen, body)
            return
        except ChannelConflict:
            if attempt == ATTEMPTS:
                raise
