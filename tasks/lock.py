"""The lake's copy of dvc.lock, one per week: what a fresh machine needs to see that nothing is to be done.

Its data lie below dvc/ in the lake, as a DVC remote, under the hashes that the lock names; they are put there first,
so that a lock in the lake never promises what the lake does not have.
"""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from blocks.lake import Lake
from pricewright.core.errors import LedgerError
from pricewright.files import write_whole

LOCK, METRICS, LISTING = "dvc.lock", "work/metrics/", ".dir"
Stages = dict[str, Any]


def object_key(md5: str) -> str:
    """Where the lake keeps the content of this hash; `.dir` at its end means the listing of a folder."""
    return f"dvc/files/md5/{md5[:2]}/{md5[2:]}"


def read_lock(lake: Lake, week: str = "") -> Stages:
    """The stages of a week's lock, by default of the newest week; empty where the lake has none."""
    found = week or newest_week(lake)
    blob = lake.find(f"lineage/{found}/{LOCK}") if found else None
    return _stages(blob.body) if blob else {}


def newest_week(lake: Lake) -> str:
    """The last week with a lock, such as 2011-W48; empty where there is none."""
    return max((key.split("/")[1] for key in lake.list("lineage") if key.endswith(f"/{LOCK}")), default="")


def restore_lock(root: Path, lake: Lake) -> frozenset[str]:
    """Give a workspace without a lock the lake's newest one, and the numbers of its stages; nothing else is read.

    Returns the hashes of all that the lake keeps for that lock: what is not here need not be made again.
    """
    stages = read_lock(lake)
    outs = {out["path"]: str(out["md5"]) for stage in stages.values() for out in stage.get("outs", [])}
    if not _kept(lake, outs):
        return frozenset()
    path = root / LOCK
    if not path.exists():
        write_whole(path, _text(stages))
        for name, md5 in outs.items():
            if name.startswith(METRICS) and not (root / name).exists():
                _restore_file(root / name, lake, md5)
    return frozenset(outs.values())


def publish_lock(lake: Lake, week: str, ours: Stages) -> None:
    """Add stages to a week's lock; of two writers one wins, the other reads again and adds its own to that."""

    def union(seen: bytes | None) -> bytes | None:
        theirs = _stages(seen) if seen is not None else {}
        return None if theirs | ours == theirs else _text(theirs | ours)

    lake.update(f"lineage/{week}/{LOCK}", union)


def local_stages(root: Path, names: Iterable[str]) -> Stages:
    """What the workspace's own lock says about these stages."""
    path = root / LOCK
    stages = _stages(path.read_bytes()) if path.exists() else {}
    return {name: stages[name] for name in names if name in stages}


def outputs(stages: Stages) -> dict[str, str]:
    """MD5 of each output of a lock, by its path; that of a folder is the MD5 of its listing, and ends with .dir."""
    return {out["path"]: str(out["md5"]) for stage in stages.values() for out in stage.get("outs", [])}


def files_of(lake: Lake, path: str, md5: str) -> dict[str, str]:
    """MD5 of every file of an output, by its path. Raises LedgerError when the listing of a folder is not that one."""
    if not md5.endswith(LISTING):
        return {path: md5}
    body = read_object(lake, md5)
    try:
        listed = {f"{path}/{entry['relpath']}": str(entry["md5"]) for entry in json.loads(body)}
    except (ValueError, KeyError, TypeError):
        raise LedgerError(f"{path} has no valid listing: {body[:40]!r}") from None
    return listed


def read_object(lake: Lake, md5: str) -> bytes:
    """What the lake keeps under a hash. Raises LedgerError when it is not there, or is something else."""
    blob = lake.find(object_key(md5))
    if blob is None:
        raise LedgerError(f"the lake has no {object_key(md5)}")
    if md5_of(blob.body) != md5.removesuffix(LISTING):
        raise LedgerError(f"{object_key(md5)} has the MD5 {md5_of(blob.body)}")
    return blob.body


def md5_of(body: bytes) -> str:
    """As DVC knows content."""
    return hashlib.md5(body, usedforsecurity=False).hexdigest()


def _kept(lake: Lake, outs: dict[str, str]) -> bool:
    """Whether the lake has the first of them: a lock that `dvc repro` or an older version left has no data there."""
    first = min(outs, default="")
    key = object_key(outs[first]) if first else ""
    return bool(first) and key in lake.list(key.rpartition("/")[0])


def _restore_file(path: Path, lake: Lake, md5: str) -> None:
    blob = lake.find(object_key(md5))
    if blob is not None and md5_of(blob.body) == md5:
        write_whole(path, blob.body)


def _stages(body: bytes) -> Stages:
    content = yaml.safe_load(body) or {}
    stages: Stages = content.get("stages", {})
    return stages


def _text(stages: Stages) -> bytes:
    return yaml.safe_dump({"schema": "2.0", "stages": stages}, sort_keys=False).encode()
