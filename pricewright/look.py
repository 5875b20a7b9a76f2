"""Shows how a source would be read before it is run: its first rows, its columns, and what can be learned from it."""

import gzip
from codecs import BOM_UTF16_LE
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from io import BytesIO
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, Literal, cast

import polars as pl

from pricewright.core.errors import SourceError
from pricewright.feature import build_panel
from pricewright.history import weeks_needed
from pricewright.ingest import Ingested, clean
from pricewright.ingest.columns import with_header, with_sales
from pricewright.ingest.formats import encoding_of
from pricewright.ingest.gate import check_counts
from pricewright.ingest.numbers import WRITTEN
from pricewright.ingest.source import READERS, file_name, find_files, read_file
from pricewright.ingest.tables import DAMAGED, Table
from pricewright.ingest.times import DAY_FIRST, MONTH_FIRST
from pricewright.proof.changes import ever_moved

ROWS, BYTES = 200_000, 30_000_000  # of all files together, each has an equal share
LEAST_ROWS, LEAST_BYTES = 1_000, 200_000  # of each file, however many there are
TEXTS = (".csv", ".tsv", ".txt")
STEPS_BACK = 100  # line ends that are tried for one that stands in no quotes
Kind = Literal["stops", "warns", "note"]
RANGE = {"skus", "weeks"}  # measures that a sample does not know
# What is not there, and what that means; optional columns of which each makes the prices better.
WITHOUT = {
    "unit_cost": ("no cost", "sales can be the objective, profit cannot (--column unit_cost=NAME)."),
    "category": ("no category", "products compete within families made of their names (--column category=NAME)."),
    "promotion": ("no promotion", "cuts are told from their prices alone (--column promotion=NAME)."),
    "customer_id": ("no customer", "nothing is known of who comes again (--column customer_id=NAME)."),
    "invoice": ("no invoice", "each row is a receipt of its own (--column invoice=NAME)."),
}


@dataclass(frozen=True)
class Sample:
    """The tables below their headers, each with its first rows; whole: whether these are all rows of the source."""

    tables: list[Table]
    whole: bool


def sample(source: Path, known: Mapping[str, Sequence[str]], asked: Mapping[str, str] | None = None) -> Sample:
    """The first rows of every file of the source; `known`, `asked`: see find_columns. Raises SourceError."""
    files = find_files(source)
    rows, size = max(ROWS // len(files), LEAST_ROWS), max(BYTES // len(files), LEAST_BYTES)
    tables, whole = [], True
    for path in files:
        name = file_name(path, source)
        head = _head(path, name, size)
        for part in read_file(path, name) if head is None else READERS[head[0]](BytesIO(head[1]), name):
            table = with_header(part, known, asked)
            whole &= table.frame.height <= rows
            tables.append(replace(table, frame=table.frame.head(rows)))
        whole &= head is None
    return Sample(tables, whole)


def _head(path: Path, name: str, size: int) -> tuple[str, bytes] | None:
    """The kind and the first whole lines of a text file, packed or not; None where it is not longer than `size`."""
    packed = path.suffix.lower() == ".gz"
    kind = PurePosixPath(name).with_suffix("").suffix.lower() or ".csv" if packed else path.suffix.lower()
    if kind not in TEXTS:
        return None
    try:
        with cast(BinaryIO, gzip.open(path)) if packed else path.open("rb") as file:
            content = file.read(size + 1)
    except DAMAGED as error:
        raise SourceError(f"{name} cannot be read: {error}.", "is the file complete?") from error
    return (kind, whole_lines(content[:size], name)) if len(content) > size else None


def whole_lines(content: bytes, name: str) -> bytes:
    """The content up to its last line end, of those nearby the last one that stands in no quotes."""
    encoding = encoding_of(content[: len(content) // 2 * 2], name)  # no half of a character of UTF-16
    cuts = list(islice(_line_ends(content, encoding), STEPS_BACK))
    quotes, last = content.count(b'"'), len(content)
    for cut in cuts:
        quotes -= content.count(b'"', cut, last)
        last = cut
        if quotes % 2 == 0:
            return content[:cut]
    return content[: cuts[0]] if cuts else content


def _line_ends(content: bytes, encoding: str) -> Iterator[int]:
    """The offsets behind line ends, the last first; those of old Macs where there are no others."""
    if encoding == "utf-16":
        encoding = "utf-16-le" if content.startswith(BOM_UTF16_LE) else "utf-16-be"
    ends = [end.encode(encoding.removesuffix("-sig")) for end in "\n\r"]
    end = ends[0] if ends[0] in content else ends[1]
    at = len(content)
    while (at := content.rfind(end, 0, at + len(end) - 1)) > 0:
        if at % len(end) == 0:  # else it is made of halves of two characters
            yield at + len(end)


@dataclass(frozen=True)
class Finding:
    """What a run would make of the source: it stops, warns of something, or does without something."""

    kind: Kind
    words: str
    hint: str = ""


NEVER_MOVED = Finding(
    "warns",
    "no price ever moved: nothing can be learnt of how demand answers to prices.",
    "change some prices for a few weeks, each at another time.",
)


@dataclass(frozen=True)
class Look:
    """tables: how each was read (see Reading.read_as), and the columns `not used`; whole: all rows were read, not the
    first ones; counts: see count; learnt: products that are learnt from, and moved: those of them whose price ever
    moved; mapping: `columns` by word and the parameters of `ingest` that were decided, with which a run reads the
    source in the same way."""

    tables: dict[str, dict[str, Any]]
    whole: bool
    counts: dict[str, Any]
    learnt: int
    moved: int
    findings: tuple[Finding, ...]
    mapping: dict[str, dict[str, Any]]

    @property
    def lines_per_week(self) -> float:
        """Accepted lines in the mean week that has any."""
        return float(self.counts["accepted"] / max(self.counts["weeks"], 1))

    def as_dict(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return {
            "tables": self.tables,
            "whole": self.whole,
            "counts": {name: value for name, value in self.counts.items() if name != "read_as"},
            "lines_per_week": round(self.lines_per_week, 1),
            "products_learnt_from": self.learnt,
            "prices_moved": self.moved,
            "findings": [asdict(finding) for finding in self.findings],
            "mapping": self.mapping,
        }


def look(source: Path, params: Mapping[str, Any], columns: Mapping[str, str] | None = None) -> Look:
    """Read the first rows as the ingest reads all; `params` is all of params.yaml, `columns` the column per word.

    Raises SourceError when the source cannot be used.
    """
    own = params["ingest"]
    seen = sample(source, own["columns"], columns)
    found = clean(seen.tables, own, columns)
    learnt, moved, short = _prices_of(found.accepted, params["feature"])
    read = found.counts["read_as"]
    mapping = {"columns": _mapped(seen, params, read, columns or {}), "ingest": _decided(read)}
    findings = [*_gate(found, seen, params), *(_history(found.counts, seen, params) or short)]
    if learnt and not moved:
        findings.append(NEVER_MOVED)
    return Look(_with_unused(seen, read), seen.whole, found.counts, learnt, moved, _ordered(findings, read), mapping)


def _prices_of(sales: pl.DataFrame, params: Mapping[str, Any]) -> tuple[int, int, list[Finding]]:
    """How many products the panel has, of how many the price ever moved, and why there is no panel where there is none.

    A panel knows what a shop asks for in its main channel: prices paid differ more.
    """
    if sales.is_empty():
        return 0, 0, []
    try:
        rows = build_panel(sales, params).rows
    except SourceError as error:
        return 0, 0, [Finding("stops", error.message, error.hint)]
    return rows["stock_code"].n_unique(), ever_moved(rows), []


def _with_unused(seen: Sample, read: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    columns = {table.name: table.frame.columns for table in seen.tables}
    used = {name: set(facts.get("columns", {}).values()) for name, facts in read.items()}
    return {
        name: {**facts, "not used": [column for column in columns[name] if column not in used[name]]}
        for name, facts in read.items()
    }


def _mapped(
    seen: Sample, params: Mapping[str, Any], read: Mapping[str, Any], asked: Mapping[str, str]
) -> dict[str, str]:
    """The columns that all tables have for a word.

    One that a table without sales has too is left to be found again: a column that is asked for makes sales of a table.
    """
    _, beside = with_sales(seen.tables, params["ingest"]["columns"], asked)
    names = {refusal.name for refusal in beside}
    elsewhere = {column for table in seen.tables if table.name in names for column in table.frame.columns}
    first, *others = [facts["columns"] for facts in read.values() if "columns" in facts]
    found = {word: column for word, column in first.items() if all(other.get(word) == column for other in others)}
    if found.get("description") == found.get("stock_code"):
        found.pop("description", None)  # a shop without codes: one column is found for both
    return {word: column for word, column in found.items() if word in asked or column not in elsewhere}


def _decided(read: Mapping[str, Any]) -> dict[str, Any]:
    """The decimal sign and the order of day and month, where all tables that need them have the same."""
    signs = {facts["numbers"] for facts in read.values() if "numbers" in facts}
    layouts = {str(facts.get("dates", "")).split(" (")[0] for facts in read.values()}
    orders = {layout in DAY_FIRST for layout in layouts if layout in (*DAY_FIRST, *MONTH_FIRST)}
    decided: dict[str, Any] = {}
    if len(signs) == 1:
        decided["decimal_sign"] = next(sign for sign, written in WRITTEN.items() if written in signs)
    if len(orders) == 1:
        decided["day_first"] = orders.pop()
    return decided


def _ordered(findings: Iterable[Finding], read: Mapping[str, Any]) -> tuple[Finding, ...]:
    """What stops a run comes first, and last what the source is without."""
    there = {word for facts in read.values() for word in facts.get("columns", {})}
    without = [Finding("note", *texts) for word, texts in WITHOUT.items() if word not in there]
    kinds = ("stops", "warns", "note")
    return tuple(sorted([*findings, *without], key=lambda finding: kinds.index(finding.kind)))


def _gate(found: Ingested, seen: Sample, params: Mapping[str, Any]) -> list[Finding]:
    """What the gate of the ingest would say of these rows."""
    checks = check_counts(found.counts, params["ingest"]["gate"])
    notable = [check for check in checks if check.status != "ok" and (seen.whole or check.name not in RANGE)]
    return [
        Finding("stops" if check.status == "block" else "warns", str(check), check.hint)
        for check in notable
        if check.name != "weeks" or check.status != "block"  # _history says it
    ]


def _history(counts: Mapping[str, Any], seen: Sample, params: Mapping[str, Any]) -> list[Finding]:
    needed = weeks_needed(params)
    if counts["weeks"] >= needed or not counts["accepted"]:
        return []
    hint = "put the exports of earlier weeks, best of a year and more, into one folder."
    if seen.whole:
        return [Finding("stops", f"{counts['weeks']} weeks with sales: at least {needed} are needed.", hint)]
    return [Finding("note", f"these first rows cover {counts['weeks']} weeks; at least {needed} are needed.", hint)]
