"""What the workspace, or else the lake, has of each week: rows and the files they came from."""

import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import polars as pl

from blocks.lake import Lake
from pricewright.ingest.digests import digest_of
from pricewright.partitions import PART
from tasks.workspace import Workspace

KINDS = ("raw", "quarantine")
Weeks = dict[str, dict[str, Any]]


def present_weeks(at: Workspace, lake: Lake, wanted: Iterable[str]) -> Weeks:
    """Per week: accepted and quarantined rows, the files they came from, sha256 of the accepted ones.

    The lake is asked where the workspace has no transactions; of weeks that are not wanted it is only said that they
    are there, for each costs a download.
    """
    if (at.work / "raw").exists():
        parts = {kind: _local(at.work / kind) for kind in KINDS}
    else:
        parts = {kind: _remote(lake, kind) for kind in KINDS}
        for kind in KINDS:
            for week in set(parts[kind]) & set(wanted):
                parts[kind][week] = _count(io.BytesIO(lake.read(f"{kind}/week={week}/{PART}").body))
    found: Weeks = {}
    for week in sorted({*parts["raw"], *parts["quarantine"]}):
        accepted, rejected = (parts[kind].get(week, {}) for kind in KINDS)
        found[week] = {
            "accepted": accepted.get("rows", 0),
            "quarantined": rejected.get("rows", 0),
            "files": sorted({*accepted.get("files", []), *rejected.get("files", [])}),
            "digest": accepted.get("digest", ""),
        }
    return found


def _local(folder: Path) -> Weeks:
    paths = sorted(folder.glob(f"week=*/{PART}"))
    return {_week(path.as_posix()): _count(path) | {"digest": digest_of(path)} for path in paths}


def _remote(lake: Lake, kind: str) -> Weeks:
    return {_week(key): {} for key in lake.list(kind) if key.endswith(PART)}


def _count(file: Path | io.BytesIO) -> dict[str, Any]:
    sources = pl.read_parquet(file, columns=["source"], hive_partitioning=False)["source"]
    return {"rows": len(sources), "files": sources.unique().to_list()}


def _week(key: str) -> str:
    return key.split("/")[-2].removeprefix("week=")
