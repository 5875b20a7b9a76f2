"""All that a week is made of, small enough to be handed to another process as a folder."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from pricewright.ingest.periods import Period
from pricewright.ingest.settlement import Settlement
from pricewright.ingest.survey import SPELLED, SortedTable
from pricewright.whole_file import write_whole


@dataclass(frozen=True)
class WeekJob:
    """period: where lines of the week lie outside of the main one; given: what the file said in those (line, GIVEN);
    key: differs where anything of this does."""

    week: str
    key: str
    tables: tuple[SortedTable, ...]
    settlement: Settlement
    period: Period | None = None
    given: pl.DataFrame | None = None

    @property
    def rows(self) -> int:
        """Lines of the week, whatever becomes of them."""
        return sum(int(table.known["weeks"][self.week]["rows"]) for table in self.tables)

    @property
    def readable(self) -> int:
        """Lines that could be read, copies among them."""
        return sum(int(table.known["weeks"][self.week]["readable"]) for table in self.tables)


def save_job(job: WeekJob, folder: Path) -> None:
    """Write the job into a folder, the part that says what it is last."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in _frames(job).items():
        frame.write_parquet(folder / f"{name}.parquet")
    tables = [_table(table, job.week) for table in job.tables]
    said: dict[str, Any] = {"week": job.week, "key": job.key, "tables": tables}
    said["period"] = asdict(job.period) if job.period else None
    said["frames"] = list(_frames(job))
    write_whole(folder / "job.json", json.dumps(said, default=str).encode())


def load_job(folder: Path) -> WeekJob:
    """The job that a folder holds."""
    said = json.loads((folder / "job.json").read_text())
    frames = {name: pl.read_parquet(folder / f"{name}.parquet", hive_partitioning=False) for name in said["frames"]}
    tables = tuple(SortedTable(**{**table, "folder": Path(table["folder"])}) for table in said["tables"])
    settlement = Settlement(frames["cancelled"], frames["answers"])
    return WeekJob(said["week"], said["key"], tables, settlement, _period(said["period"]), frames.get("given"))


def _frames(job: WeekJob) -> dict[str, pl.DataFrame]:
    found = {"cancelled": job.settlement.cancelled, "answers": job.settlement.answers}
    return found if job.given is None else found | {"given": job.given}


def _table(table: SortedTable, week: str) -> dict[str, Any]:
    """The table, with what is known of this week only."""
    known = {name: table.known[name] for name in ("suffix", "columns", "first_row")}
    known[SPELLED] = table.known.get(SPELLED, {})
    known["weeks"] = {week: table.known["weeks"][week]}
    return {"place": table.place, "name": table.name, "key": table.key, "folder": str(table.folder), "known": known}


def _period(said: Mapping[str, Any] | None) -> Period | None:
    if said is None:
        return None
    first, last = (datetime.fromisoformat(said[name]) for name in ("first", "last"))
    return Period(first, last, int(said["lines"]))
