"""What the lake's copy of dvc.lock promises, read back: its outputs by path, their files with their MD5."""

import hashlib
import json
from collections.abc import Mapping

from blocks.lake import Lake
from pricewright.core.errors import LakeError, LedgerError
from tasks.lock import Stages, object_key

LISTING = ".dir"


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
        raise LedgerError(f"the listing of {path} is none: {body[:40]!r}") from None
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


def present(lake: Lake, prefix: str) -> Mapping[str, str]:
    """MD5 of every object below a prefix of the lake, by its key. Raises LakeError when one vanishes meanwhile."""
    found = {}
    for key in sorted(lake.list(prefix)):
        blob = lake.find(key)
        if blob is None:
            raise LakeError(f"{key} vanished while it was looked at.", hint="audit when nothing is at work.")
        found[key] = md5_of(blob.body)
    return found
