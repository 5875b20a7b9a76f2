"""Ingest week by week: what a source has of each week, worked out once and kept until something of it changes.

Gives what `clean` in in_memory.py gives at once. A document is read once and its lines are sorted into weeks
(`documents` on the shelf); a week is made of its sorted lines and its part of the settlement (`weeks`).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import polars as pl

from pricewright.core.errors import SourceError
from pricewright.files import digest_of
from pricewright.ingest.cancellations import Settlement, settle_source, unsettled
from pricewright.ingest.columns import rename
from pricewright.ingest.gate import pass_gate
from pricewright.ingest.numbers import Signs
from pricewright.ingest.rules import GIVEN, REJECTED, TRANSACTION, count, given_texts, is_far
from pricewright.ingest.sorting import ASIDE
from pricewright.ingest.source import Document
from pricewright.ingest.survey import ReportProgress, SortedTable, Survey, document_key, sort_onto, survey
from pricewright.ingest.times import Period
from pricewright.ingest.times import decide_order as decide
from pricewright.ingest.week import QUARANTINE, RAW, VALUES, WeekJob, week_lines, write_week
from pricewright.partitions import UNKNOWN, gather_partitions, iso_week
from pricewright.result_cache import CachedResult, ResultCache, key_of, side_by_side

BATCH = 250_000  # rows of the weeks that are made as one
ROWS_AT_ONCE = 1_000_000  # rows of the batches that are made side by side
SPARE_DAYS = 14.0  # for so long the shelf keeps what no run used
TYPES = {"source": pl.String, **ASIDE, **dict.fromkeys(("cancelled", "cancelled_in_week", "units"), pl.Float64)}


@dataclass(frozen=True)
class Whole:
    """All weeks of a source as they lie on the shelf, and what is counted over them."""

    found: Survey
    weeks: Mapping[str, CachedResult]
    counts: dict[str, Any]

    def first(self, reason: str) -> tuple[int, str, str | None]:
        """Row, source and detail of the first row that was rejected for this reason, in the order of the source."""
        numbers = {table.name: table.number for table in self.found.tables}
        firsts = []
        for path in _files(self.weeks, QUARANTINE).values():
            rows = pl.read_parquet(path, columns=["source", "row", "reason", "detail"], hive_partitioning=False)
            rows = rows.filter(pl.col("reason") == reason).head(1)
            firsts += [(numbers[source], row, source, detail) for source, row, _, detail in rows.iter_rows()]
        _, row, source, detail = min(firsts)
        return row, source, detail

    def write(self, raw: Path, quarantine: Path) -> None:
        """Make the two folders hold the weeks' transactions and rejected rows."""
        for folder, name, columns in ((raw, RAW, TRANSACTION), (quarantine, QUARANTINE, REJECTED)):
            empty = pl.DataFrame(schema={column: TYPES[column] for column in columns})
            gather_partitions(_files(self.weeks, name), folder, empty)


class IncrementalIngest:
    """The ingest of one workspace: `folder` holds the shelf, `params` is the section `ingest`."""

    def __init__(self, folder: Path, params: Mapping[str, Any], columns: Mapping[str, str] | None = None) -> None:
        self.documents, self.weeks = ResultCache(folder / "documents"), ResultCache(folder / "weeks")
        self._params, self._columns = params, dict(columns or {})

    def survey(
        self, documents: Sequence[Document], report_progress: ReportProgress = lambda share, words: None
    ) -> Survey:
        """What the documents hold; those that are not on the shelf are read."""
        return survey(documents, self.documents, self._params, self._columns, code_digest(), report_progress)

    def known(self, document: Document) -> CachedResult | None:
        """What the shelf has of a document."""
        return self.documents.find(document_key(document, self._params, self._columns, code_digest()))

    def read(self, document: Document, balance: int, others: Signs) -> CachedResult:
        """Read a document, whether the shelf has it or not; `balance`, `others`: what others' dates and numbers say."""
        otherwise = bool(self._params["day_first"])
        return sort_onto(
            self.documents,
            document,
            self._params,
            self._columns,
            code_digest(),
            lambda own: decide(balance + own, otherwise),
            others,
        )

    def jobs(self, found: Survey) -> list[WeekJob]:
        """What each week is made of, in order."""
        settlements = settle_source(found, self._params)
        return [self._job(found, week, settlements.get(week, unsettled())) for week in found.weeks]

    def build(self, jobs: Sequence[WeekJob], documents: Sequence[Document]) -> dict[str, CachedResult]:
        """Make some weeks, whether the shelf has them or not."""
        jobs = [complete(job, documents) for job in jobs]
        lines = week_lines(jobs)
        return {
            job.week: self.weeks.put(job.key, lambda folder, job=job: write_week(job, lines[job.week], folder))  # type: ignore[misc]
            for job in jobs
        }

    def make(self, documents: Sequence[Document], report_progress: ReportProgress = lambda share, words: None) -> Whole:
        """All weeks, made as far as the shelf does not have them."""
        found = self.survey(documents, lambda share, words: report_progress(0.5 * share, words))
        report_progress(0.5, "matching cancellations")
        jobs = self.jobs(found)
        entries = {job.week: entry for job in jobs if (entry := self.weeks.find(job.key))}
        batches = list(_batches([job for job in jobs if job.week not in entries]))
        for made in side_by_side(lambda batch: self.build(batch, documents), batches, _rows, ROWS_AT_ONCE):
            entries |= made
            report_progress(0.6 + 0.4 * len(entries) / len(jobs), f"{len(entries):,} of {len(jobs):,} weeks")
        entries = dict(sorted(entries.items()))
        return Whole(found, entries, _counts(found, entries))

    def ingest(
        self, documents: Sequence[Document], name: str, report_progress: ReportProgress = lambda share, words: None
    ) -> Whole:
        """All weeks, with the gate's verdict in the counts. Raises SourceError when the gate blocks."""
        whole = self.make(documents, report_progress)
        broken = [entry.index["broken"] for entry in whole.weeks.values()]
        counts = pass_gate(whole.counts, broken, self._params["gate"], name, whole.first)
        self.documents.prune({table.folder.parent.name for table in whole.found.tables}, SPARE_DAYS)
        self.weeks.prune({entry.key for entry in whole.weeks.values()}, SPARE_DAYS)
        return replace(whole, counts=counts)

    def cancelled_by(self, found: Survey, end: date) -> pl.DataFrame:
        """What was cancelled, as it was known when the day `end` began; see cancellations.py."""
        parts = [settled.cancelled for settled in settle_source(found, self._params, before=end).values()]
        return pl.concat([unsettled().cancelled, *parts]).drop("line")

    def _job(self, found: Survey, week: str, settlement: Settlement) -> WeekJob:
        tables = tuple(found.weeks[week])
        period = found.main if found.main and _has_far(week, tables, found.main) else None
        far = [str(period.first), str(period.last)] if period else None
        frames = (settlement.cancelled, settlement.answers)
        settled = [sha256(frame.drop("line").write_csv().encode()).hexdigest() for frame in frames]
        key = key_of(code_digest(), week, [[table.key, table.name] for table in tables], far, settled)
        return WeekJob(week, key, tables, settlement, period)


def complete(job: WeekJob, documents: Sequence[Document]) -> WeekJob:
    """The job with what the files said in lines that only all weeks together have set apart."""
    return replace(job, given=_given(job, documents)) if job.period and job.given is None else job


@cache
def code_digest() -> str:
    """Differs where the code that makes weeks does."""
    here = Path(__file__).parent
    files = [*sorted(here.glob("*.py")), here.parent / "partitions.py", here.parent / "units.py"]
    return key_of(pl.__version__, [digest_of(file) for file in files])


def _files(entries: Mapping[str, CachedResult], name: str) -> dict[str, Path]:
    return {week: path for week, entry in entries.items() if (path := entry.folder / name).exists()}


def _batches(jobs: Sequence[WeekJob]) -> Iterator[list[WeekJob]]:
    batch: list[WeekJob] = []
    for job in jobs:
        batch.append(job)
        if _rows(batch) >= BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _rows(jobs: Iterable[WeekJob]) -> int:
    return sum(job.rows for job in jobs)


def _different(weeks: Iterable[CachedResult]) -> dict[str, int]:
    """How many different values the weeks have in each column that is COUNTED."""
    values = pl.scan_parquet([week.folder / VALUES for week in weeks], glob=False, hive_partitioning=False)
    return dict(values.unique().group_by("column").len().collect().iter_rows())


def _has_far(week: str, tables: Sequence[SortedTable], period: Period) -> bool:
    if week == UNKNOWN or iso_week(period.first) < week < iso_week(period.last):
        return False
    parts = [table.read(week, kind) for table in tables for kind in ("sales", "aside")]
    return any(bool(part.select(is_far(period).any()).item()) for part in parts if part is not None)


def _given(job: WeekJob, documents: Sequence[Document]) -> pl.DataFrame:
    """What the file said in sales of the week that are too far away to be believed; their documents are read again."""
    found = [pl.DataFrame(schema={"line": pl.Int64, **dict.fromkeys(GIVEN, pl.String)})]
    for table in job.tables:
        sales = table.read(job.week, "sales")
        far = sales.filter(is_far(job.period)) if sales is not None and job.period else pl.DataFrame()
        if not far.height:
            continue
        document = next(d for d in documents if d.name + table.known["suffix"] == table.name)
        content = next(content for content in document.read() if content.name == table.name)
        if not document.stays():
            raise SourceError(f"{document.name} was written to while it was read.", "run again when it is complete.")
        content = content.below(table.known["facts"].get("header_row", 0))
        rows = rename(content, table.known["columns"])[(far["row"] - table.known["first_row"]).to_list()]
        found.append(pl.concat([far.select("line"), given_texts(rows)], how="horizontal"))
    return pl.concat(found)


def _counts(found: Survey, entries: Mapping[str, CachedResult]) -> dict[str, Any]:
    different = _different(entries.values())
    counts = count(
        [entry.index["counts"] for entry in entries.values()],
        rows=found.rows,
        skus=different.get("stock_code", 0),
        customers=different.get("customer_id", 0),
        weeks=len(_files(entries, RAW)),
    )
    return counts | {"read_as": found.read_as}
