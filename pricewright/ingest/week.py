"""Makes a week's transactions and quarantine from the sorted lines of all tables."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from pricewright.files import write_whole
from pricewright.ingest.cancellations import Settlement, less_cancelled
from pricewright.ingest.equal_rows import IDENTITY
from pricewright.ingest.gate import broken_promises
from pricewright.ingest.rules import FAR, REJECTED, TRANSACTION, count_part, is_far, judge_dates
from pricewright.ingest.survey import SPELLED, SortedTable
from pricewright.ingest.times import Period
from pricewright.partitions import PART, by_week, write_part

RAW, QUARANTINE, VALUES = f"raw.{PART}", f"quarantine.{PART}", "values.parquet"
COUNTED = ("stock_code", "customer_id")  # columns whose different values are counted over all weeks


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
    content: dict[str, Any] = {"week": job.week, "key": job.key, "tables": tables}
    content["period"] = asdict(job.period) if job.period else None
    content["frames"] = list(_frames(job))
    write_whole(folder / "job.json", json.dumps(content, default=str).encode())


def load_job(folder: Path) -> WeekJob:
    """The job that a folder holds."""
    content = json.loads((folder / "job.json").read_text())
    frames = {name: pl.read_parquet(folder / f"{name}.parquet", hive_partitioning=False) for name in content["frames"]}
    tables = tuple(SortedTable(**{**table, "folder": Path(table["folder"])}) for table in content["tables"])
    settlement = Settlement(frames["cancelled"], frames["answers"])
    return WeekJob(content["week"], content["key"], tables, settlement, _period(content["period"]), frames.get("given"))


def _frames(job: WeekJob) -> dict[str, pl.DataFrame]:
    found = {"cancelled": job.settlement.cancelled, "answers": job.settlement.answers}
    return found if job.given is None else found | {"given": job.given}


def _table(table: SortedTable, week: str) -> dict[str, Any]:
    """The table, with what is known of this week only."""
    known = {name: table.known[name] for name in ("suffix", "columns", "first_row")}
    known[SPELLED] = table.known.get(SPELLED, {})
    known["weeks"] = {week: table.known["weeks"][week]}
    return {"number": table.number, "name": table.name, "key": table.key, "folder": str(table.folder), "known": known}


def _period(content: Mapping[str, Any] | None) -> Period | None:
    if content is None:
        return None
    first, last = (datetime.fromisoformat(content[name]) for name in ("first", "last"))
    return Period(first, last, int(content["lines"]))


@dataclass(frozen=True)
class WeekLines:
    """Accepted lines as TRANSACTION, rejected ones with their typed words; both have `line`."""

    accepted: pl.DataFrame
    rejected: pl.DataFrame


def week_lines(jobs: Sequence[WeekJob]) -> dict[str, WeekLines]:
    """The lines of several weeks, by week; one frame for all, for a week is small beside what a query costs."""
    sales, aside = _read(jobs, "sales"), _read(jobs, "aside")
    if any(len(job.tables) > 1 for job in jobs):
        sales = sales.unique(IDENTITY, keep="first", maintain_order=True)
        single = aside.filter("readable").unique(IDENTITY, keep="first", maintain_order=True)
        aside = pl.concat([aside.filter(~pl.col("readable")), single])
    settled = pl.concat([job.settlement.cancelled for job in jobs]).select("line", "cancelled", "cancelled_in_week")
    answers = pl.concat([job.settlement.answers for job in jobs]).select("line", "reason", "detail")
    far, sales, aside = _set_far_apart(jobs, sales, aside)
    aside = aside.update(answers, on="line").sort("line")
    rejected = pl.concat([aside, far]).sort("line") if far.height else aside
    parts = [dict(by_week(frame, "invoice_time")) for frame in (less_cancelled(sales, settled), rejected)]
    nothing = [less_cancelled(sales.clear(), settled.clear()), rejected.clear()]
    return {job.week: WeekLines(*(p.get(job.week, n) for p, n in zip(parts, nothing, strict=True))) for job in jobs}


def write_week(job: WeekJob, lines: WeekLines, folder: Path) -> dict[str, Any]:
    """Write RAW and QUARANTINE, those that have rows, and VALUES: each COUNTED `column`'s every `value` once.

    Returns the numbers of the week.
    """
    accepted, rejected = lines.accepted.select(TRANSACTION), lines.rejected
    for name, rows in ((RAW, accepted), (QUARANTINE, rejected.select(REJECTED))):
        if rows.height:
            write_part(rows, folder / name)
    values = [accepted.select(column=pl.lit(name), value=pl.col(name).drop_nulls().unique()) for name in COUNTED]
    pl.concat(values).write_parquet(folder / VALUES, compression="lz4")
    copies = job.readable - accepted.height - int(rejected["readable"].sum())
    return {"counts": count_part(lines.accepted, rejected, copies), "broken": broken_promises(accepted)}


def _read(jobs: Sequence[WeekJob], kind: str) -> pl.DataFrame:
    """The lines of a kind of all weeks, in order."""
    parts = [part for job in jobs for table in job.tables if (part := table.read(job.week, kind)) is not None]
    empty = jobs[0].tables[0].empty(kind)
    return pl.concat([empty, *parts]).sort("line")


def _set_far_apart(
    jobs: Iterable[WeekJob], sales: pl.DataFrame, aside: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Sales too far away to be believed, as lines aside; the other sales; the lines aside with such dates judged."""
    period = next((job.period for job in jobs if job.period), None)
    if period is None:
        return aside.clear(), sales, aside
    given = pl.concat([job.given for job in jobs if job.given is not None])
    far = sales.filter(is_far(period)).with_columns(reason=pl.lit(FAR), detail=pl.col("invoice_time").cast(pl.String))
    far = far.with_columns(readable=pl.lit(True)).join(given, on="line", how="left", maintain_order="left")
    readable = judge_dates(aside.filter("readable"), period)
    aside = pl.concat([aside.filter(~pl.col("readable")), readable])
    return far.select(aside.columns), sales.filter(~is_far(period)), aside
