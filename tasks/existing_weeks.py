"""What a backfill is asked for, what workspace and lake have of those weeks, and whether the source covers them."""

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl

from blocks.lake import Lake
from pricewright.core.errors import ParameterError, SourceError
from pricewright.files import digest_of
from pricewright.ingest.survey import Survey
from pricewright.partitions import PART, UNKNOWN, iso_week, monday_of
from tasks.workspace import Workspace

KINDS = ("raw", "quarantine")
Weeks = dict[str, dict[str, Any]]
NAMED = 5  # weeks and files that a message lists


def present_weeks(workspace: Workspace, lake: Lake, wanted: Iterable[str]) -> Weeks:
    """Per week: accepted and quarantined rows, the files they came from, sha256 of the accepted ones.

    The lake is asked where the workspace has no transactions; of weeks that are not wanted it is only said that they
    are there, for each costs a download.
    """
    if (workspace.work / "raw").exists():
        parts = {kind: _local(workspace.work / kind) for kind in KINDS}
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


def check_range(found: Survey, before: Weeks, wanted: Sequence[str]) -> None:
    """Raises SourceError when a week lies before the source's first or after its last one, and never was known."""
    there = [week for week in found.weeks if week != UNKNOWN]
    outside = [week for week in wanted if not there or not there[0] <= week <= there[-1]]
    outside = [week for week in outside if week not in before]
    if outside:
        span = f"it has {there[0]} to {there[-1]}" if there else "it has no line with a date"
        raise SourceError(f"the source has no {_named(outside)}: {span}.", "nothing was changed; name weeks it has.")


def check_vanished(found: Survey, before: Weeks, wanted: Sequence[str], *, drop: bool) -> None:
    """Raises SourceError when the source has lost rows with a file that is gone, or all rows of a week."""
    names = {table.name for table in found.tables}
    lost = []
    for week, had in before.items():
        tables = found.weeks.get(week, [])
        rows = sum(int(table.known["weeks"][week]["rows"]) for table in tables)
        gone = [name for name in had["files"] if name not in names]
        if (rows == 0 or gone) and rows < max(had["accepted"] + had["quarantined"], 1):
            files = f" ({', '.join(gone[:NAMED])} is gone)" if gone else ""
            lost.append(f"{week}: {had['accepted'] + had['quarantined']:,} rows before, {rows:,} now{files}")
    if lost and not drop:
        more = f" and {len(lost) - NAMED} more weeks" if len(lost) > NAMED else ""
        raise SourceError(
            f"rows have vanished from the source: {'; '.join(lost[:NAMED])}{more}.",
            "nothing was changed. Put the files back, or drop the rows knowingly: --drop-vanished.",
        )


def _named(weeks: Sequence[str]) -> str:
    return weeks[0] if len(weeks) == 1 else f"{weeks[0]} to {weeks[-1]}"


@dataclass(frozen=True)
class BackfillOrder:
    """What a backfill is asked for; see flows/forms.py for each field."""

    first_week: str
    last_week: str
    max_parallel: int = 4
    stages: tuple[str, ...] = ("ingest", "feature")
    walk_forward: bool = False
    drop_vanished: bool = False
    source: str = ""
    store: str = ""
    columns: Mapping[str, str] | None = None
    parameters: Mapping[str, Any] | None = None

    @property
    def weeks(self) -> list[str]:
        """All weeks from the first to the last. Raises ParameterError when one is not valid."""
        day, last = monday_of(self.first_week), monday_of(self.last_week)
        if day > last:
            raise ParameterError(f"{self.first_week} comes after {self.last_week}.", "the first week comes first.")
        return [iso_week(day + timedelta(weeks=n)) for n in range((last - day).days // 7 + 1)]
