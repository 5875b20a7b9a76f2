"""Every dvc.lock of the lake keeps its promise: what it names is there, under its hash."""

import yaml

from blocks.lake import Lake
from pricewright.audit import Finding, first_of
from pricewright.core.errors import LedgerError
from tasks.audit.checked import Checked
from tasks.audit.ledgers import files_of, outputs, read_object
from tasks.lock import LOCK, read_lock

RULE = "what a dvc.lock of the lake names lies in the lake, under its MD5"
HINT = "pricewright run in a workspace that has the results puts them there again."


def check_locks(lake: Lake) -> Checked:
    """One finding per lock that cannot be read, or promises what is not there."""
    weeks = sorted({key.split("/")[1] for key in lake.list("lineage") if key.endswith(f"/{LOCK}")})
    good: set[str] = set()
    findings = tuple(finding for week in weeks for finding in _of(lake, week, good))
    return Checked("lineage", f"{len(weeks)} locks, {len(good):,} objects with their MD5", findings)


def _of(lake: Lake, week: str, good: set[str]) -> list[Finding]:
    """`good`: hashes of what was found as promised; most of it is promised by several locks."""
    what = f"lineage/{week}/{LOCK}"
    try:
        promised = outputs(read_lock(lake, week))
    except (yaml.YAMLError, AttributeError, KeyError, TypeError) as error:
        return [Finding(what, f"{type(error).__name__}: it cannot be read", "it is a dvc.lock", "remove it.")]
    wrong = []
    for path, md5 in sorted(promised.items()):
        try:
            for own in sorted({md5, *files_of(lake, path, md5).values()} - good):
                read_object(lake, own)
                good.add(own)
        except LedgerError as error:
            wrong.append(f"{path}: {error.message}")
    return [Finding(what, first_of(wrong), RULE, HINT)] if wrong else []
