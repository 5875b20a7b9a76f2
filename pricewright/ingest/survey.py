"""What a source holds: its tables in order, the lines of each sorted into weeks, and what is decided over all of them.

Lines are numbered across the source, so that they have an order; the numbers change when a file comes in before them.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from pricewright.ingest.columns import Refusal, check_any
from pricewright.ingest.equal_rows import IDENTITY
from pricewright.ingest.money import check_one_currency
from pricewright.ingest.numbers import Signs, check_clear, decide_sign
from pricewright.ingest.sorting import CODES, READ, SCHEMAS, sort_document
from pricewright.ingest.source import Document
from pricewright.ingest.texts import one_spelling
from pricewright.ingest.times import Period, check_step, decide_order, join_periods, main_period, say_layout
from pricewright.result_cache import CachedResult, ResultCache, key_of, side_by_side

BYTES_AT_ONCE = 16_000_000  # of the files that are sorted side by side: a million lines of Parquet
SPELLED = "spelled"  # of a table: its codes that the source spells otherwise
NUMBERS = 2**40  # a table's lines are numbered from its number times this on
ReportProgress = Callable[[float, str], None]


@dataclass(frozen=True)
class SortedTable:
    """A table whose lines lie in `folder`, sorted into weeks; `number` is its position in the source, from 0 on."""

    number: int
    name: str
    key: str
    folder: Path
    known: dict[str, Any]

    def read(self, week: str, kind: str) -> pl.DataFrame | None:
        """The table's `sales` or `aside` of a week, with `line` and `source`; None where there are none."""
        path = self.folder / f"{week}.{kind}.parquet"
        return self.numbered(pl.read_parquet(path, hive_partitioning=False)) if path.exists() else None

    def empty(self, kind: str) -> pl.DataFrame:
        """No rows of a kind, with their columns."""
        return self.numbered(pl.DataFrame(schema=SCHEMAS[kind]))

    def cancellation_lines(self) -> pl.DataFrame:
        """All lines of the table that take back."""
        return self.numbered(pl.read_parquet(self.folder / "takings.parquet", hive_partitioning=False))

    def numbered(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The rows with their number in the source, the name of the table, and codes as the source spells them."""
        if spelled := self.known.get(SPELLED):
            rows = rows.with_columns(pl.col("stock_code").replace(spelled))
        return rows.select(
            (pl.col("row") + self.number * NUMBERS).alias("line"), pl.lit(self.name).alias("source"), "*"
        )


@dataclass(frozen=True)
class Survey:
    """The tables with sales, and the names of those that were left out.

    balance: of all dates, see times.py.
    """

    tables: tuple[SortedTable, ...]
    left_out: tuple[str, ...]
    gap_days: int
    balance: int

    @cached_property
    def weeks(self) -> dict[str, list[SortedTable]]:
        """The tables that hold lines of a week, by the week, in order."""
        found: dict[str, list[SortedTable]] = {}
        for table in self.tables:
            for week in table.known["weeks"]:
                found.setdefault(week, []).append(table)
        return dict(sorted(found.items()))

    @property
    def rows(self) -> int:
        """Rows of all tables."""
        return sum(int(table.known["rows"]) for table in self.tables)

    @property
    def read_as(self) -> dict[str, Any]:
        """How every table was understood."""
        named = {
            table.name: {
                "rows": table.known["rows"],
                "dates": say_layout(table.known["dates"], self.balance),
                "columns": table.known["columns"],
                "schema": table.known["schema"],
                **table.known["facts"],
            }
            for table in self.tables
        }
        return named | {name: {"rows": 0, "left out": "no column of sales"} for name in self.left_out}

    @cached_property
    def main(self) -> Period | None:
        """The main period where there are others too, None where no line is far from it.

        Copies in several tables are counted only where they could decide which period is the main one.
        """
        parts = [_period(part) for table in self.tables for part in table.known["periods"]]
        periods = join_periods(parts, self.gap_days)
        if len(periods) <= 1:
            return None
        surest = max(part.lines for part in parts)  # a period has at least the lines of its largest part
        possible = [period for period in periods if period.lines >= surest]
        return main_period([self._counted(period) for period in possible] if len(possible) > 1 else possible)

    def cancellation_lines(self) -> pl.DataFrame:
        """All lines that take back, numbered, without copies."""
        return pl.concat([table.cancellation_lines() for table in self.tables]).unique(
            IDENTITY, keep="first", maintain_order=True
        )

    def sales_like(self, keys: Sequence[pl.DataFrame]) -> pl.DataFrame:
        """The sales that agree with a row of one of `keys` in all its columns, numbered, without copies."""
        tables = {str(path): table for table in self.tables for path in table.folder.glob("*.sales.parquet")}
        wanted = [key for key in keys if key.height]
        if not tables or not wanted:
            return self.tables[0].cancellation_lines().clear()
        lines = pl.scan_parquet(list(tables), glob=False, hive_partitioning=False, include_file_paths="path")
        spelled = {code: used for table in self.tables for code, used in table.known.get(SPELLED, {}).items()}
        lines = lines.with_columns(pl.col("stock_code").replace(spelled)) if spelled else lines
        alike = [lines.join(key.lazy(), on=key.columns, how="semi", nulls_equal=True) for key in wanted]
        found = pl.concat(alike).collect(engine="streaming").partition_by("path", as_dict=True, include_key=False)
        parts = [tables[str(path)].numbered(part) for (path,), part in found.items()]
        parts.append(self.tables[0].cancellation_lines().clear())
        return pl.concat(parts).sort("line").unique(IDENTITY, keep="first", maintain_order=True)

    def _counted(self, period: Period) -> Period:
        """The period with its lines counted once."""
        inside = pl.col("invoice_time").is_between(period.first, period.last)
        lines = 0
        for week, tables in self.weeks.items():
            parts = [table.read(week, "sales") for table in tables]
            aside = [table.read(week, "aside") for table in tables]
            read = [part.select(IDENTITY) for part in parts if part is not None]
            read += [part.filter("readable").select(IDENTITY) for part in aside if part is not None]
            lines += pl.concat(read).filter(inside).unique().height if read else 0
        return Period(period.first, period.last, lines)


def survey(
    documents: Sequence[Document],
    result_cache: ResultCache,
    params: Mapping[str, Any],
    asked: Mapping[str, str],
    code: str,
    report_progress: ReportProgress = lambda share, words: None,
) -> Survey:
    """Sort the documents that the shelf does not have yet. Raises SourceError when one cannot be used."""
    otherwise, asked_sign = bool(params["day_first"]), params["decimal_sign"]
    keys = [document_key(document, params, asked, code) for document in documents]
    by_key = dict(zip(reversed(keys), reversed(documents), strict=True))  # copies of a file are read once
    entries = {key: entry for key in by_key if (entry := result_cache.find(key))}

    def balance() -> int:
        return sum(int(entries[key].index["balance"]) for key in keys if key in entries)

    def signs() -> Signs:
        return Signs.total(table for key in keys if key in entries for table in entries[key].index["tables"])

    def sort(chosen: Sequence[str], day_first: Callable[[int], bool], words: str = "") -> None:
        found = side_by_side(
            lambda key: sort_onto(result_cache, by_key[key], params, asked, code, day_first, signs()),
            chosen,
            lambda key: by_key[key].size,
            BYTES_AT_ONCE,
        )
        for i, key in enumerate(chosen):
            report_progress(i / len(chosen), f"reading {by_key[key].name}{words}")
            entries[key] = next(found)

    in_order = list(dict.fromkeys(keys))
    sort([key for key in in_order if key not in entries], lambda own: decide_order(balance() + own, otherwise))
    decided = decide_order(balance(), otherwise)
    again = [key for key in in_order if entries[key].index["day_first"] not in (None, decided)]
    sort(again, lambda own: decided, " once more: its days and months are in the order of the others")
    found = [(by_key[key].name, table) for key in in_order for table in entries[key].index["tables"]]
    check_clear(((name + table["suffix"], Signs(**table["signs"])) for name, table in found), signs(), asked_sign)
    again = _otherwise_written({key: entries[key] for key in in_order}, signs(), asked_sign)
    sort(again, lambda own: decided, " once more: its numbers are written as in the others")
    return _surveyed(documents, [entries[key] for key in keys], int(params["largest_gap_days"]))


def _otherwise_written(entries: Mapping[str, CachedResult], source: Signs, asked: str | None) -> list[str]:
    """The documents, by key, with a table that was read with another decimal sign than the whole source decides."""
    found = []
    for key, entry in entries.items():
        decided = [decide_sign(Signs(**table["signs"]), source, asked) for table in entry.index["tables"]]
        if decided != [table["decimal_sign"] for table in entry.index["tables"]]:
            found.append(key)
    return found


def sort_onto(
    result_cache: ResultCache,
    document: Document,
    params: Mapping[str, Any],
    asked: Mapping[str, str],
    code: str,
    day_first: Callable[[int], bool],
    others: Signs,
) -> CachedResult:
    """Put the sorted lines of a document on the shelf; see sort_document."""
    key = document_key(document, params, asked, code)
    return result_cache.put(key, lambda folder: sort_document(document, params, asked, day_first, others, folder))


def document_key(document: Document, params: Mapping[str, Any], asked: Mapping[str, str], code: str) -> str:
    """What the sorted lines of a document depend on, but for the order of day and month."""
    return key_of(code, document.digest, {name: params[name] for name in READ}, dict(asked))


def _surveyed(documents: Iterable[Document], entries: Sequence[CachedResult], gap_days: int) -> Survey:
    tables: list[SortedTable] = []
    left_out: list[Refusal] = []
    spellings = iter(_spelled([e.folder / str(n) for e in entries for n in range(len(e.index["tables"]))]))
    for document, entry in zip(documents, entries, strict=True):
        for number, known in enumerate(entry.index["tables"]):
            key = f"{entry.key} {number} {entry.index['day_first']} {known['decimal_sign']}"
            if spelled := next(spellings):
                key, known = f"{key} {sorted(spelled.items())}", known | {SPELLED: spelled}
            name = document.name + known["suffix"]
            tables.append(SortedTable(len(tables), name, key, entry.folder / str(number), known))
        left_out += [Refusal(document.name + suffix, *details) for suffix, *details in entry.index["left_out"]]
    check_any(tables, left_out)
    check_one_currency((table.name, table.known["facts"].get("currency", "")) for table in tables)
    days = [[date.fromisoformat(day) for day in table.known["days"]] for table in tables]
    check_step(days, tables[0].name)
    balance = sum(int(entry.index["balance"]) for entry in entries)
    return Survey(tuple(tables), tuple(refusal.name for refusal in left_out), gap_days, balance)


def _spelled(folders: Sequence[Path]) -> list[dict[str, str]]:
    """For every table, by its folder, its codes that the source spells otherwise."""
    if len(folders) < 2:
        return [{} for _ in folders]
    paths = [folder / CODES for folder in folders]
    counts = pl.scan_parquet(paths, glob=False, hive_partitioning=False, include_file_paths="path").collect()
    spelled = one_spelling(counts.group_by("stock_code", "described").agg(pl.col("lines").sum()))
    own = counts.filter(pl.col("stock_code").is_in(list(spelled))).group_by("path").agg(pl.col("stock_code").unique())
    codes = dict(own.iter_rows())
    return [{code: spelled[code] for code in sorted(codes.get(str(path), []))} for path in paths]


def _period(part: Sequence[Any]) -> Period:
    return Period(datetime.fromisoformat(part[0]), datetime.fromisoformat(part[1]), int(part[2]))
