"""Week by week, from whatever is on the shelf, gives what all tables at once give; and makes only what changed."""

import hashlib
import os
import time
import zipfile
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pricewright.core.errors import SourceError
from pricewright.ingest import Ingested, clean
from pricewright.ingest.cancellations import known_before
from pricewright.ingest.source import Document, find_documents, read_tables
from pricewright.ingest.weekly import IncrementalIngest, Whole
from pricewright.partitions import read_partitions, write_partitions
from tests.pricewright.ingest.test_in_memory import COLUMNS, GOOD, messy_rows

Params = dict[str, Any]
MONDAY = datetime(2011, 1, 3, 9, 30)


class Shop:
    """A folder of exports, a shelf beside it, and what becomes of them."""

    def __init__(self, folder: Path, params: Params) -> None:
        self.source, self.folder, self.params = folder / "exports", folder, params
        self.source.mkdir(parents=True)
        self.intake = IncrementalIngest(folder / "shelf", params)

    def write(self, name: str, lines: pl.DataFrame | list[dict[str, Any]]) -> None:
        frame = lines if isinstance(lines, pl.DataFrame) else pl.DataFrame(lines, infer_schema_length=None)
        path = self.source / name
        (frame.write_csv if name.endswith(".csv") else frame.write_parquet)(path)

    def documents(self, **how: Any) -> list[Document]:
        return find_documents(self.source, self.folder / "known.json", **how)

    def make(self) -> Whole:
        """A new process each time: nothing is remembered but what lies on the shelf."""
        self.intake = IncrementalIngest(self.folder / "shelf", self.params)
        return self.intake.make(self.documents())

    def at_once(self) -> Ingested:
        return clean(read_tables(self.source), self.params)

    def bytes(self, whole: Whole) -> dict[str, str]:
        whole.write(self.folder / "raw", self.folder / "quarantine")
        return digests(self.folder)

    def expected(self) -> dict[str, str]:
        found, folder = self.at_once(), self.folder / "at_once"
        write_partitions(found.accepted, folder / "raw", "invoice_time")
        write_partitions(found.quarantined, folder / "quarantine", "invoice_time")
        return digests(folder)


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for kind in ("raw", "quarantine")
        for path in sorted((folder / kind).rglob("*.parquet"))
    }


def made_between(before: Whole, after: Whole) -> list[str]:
    keys = {entry.key for entry in before.weeks.values()}
    return [week for week, entry in after.weeks.items() if entry.key not in keys]


@pytest.fixture
def at(tmp_path: Path, params: Params) -> Shop:
    return Shop(tmp_path, params)


@pytest.fixture
def weeks(at: Shop, shop: pl.DataFrame) -> Shop:
    """The shop's twelve weeks, a file each."""
    for number in range(12):
        at.write(f"week-{number + 1:02d}.parquet", shop.slice(25 * number, 25))
    return at


@pytest.fixture
def sale(line: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """A sale of so many weeks after the first; a negative quantity takes back."""

    def make(week: int, quantity: int = 6, **words: Any) -> dict[str, Any]:
        invoice = f"{'C' if quantity < 0 else ''}{1000 + week}"
        usual = {"invoice": invoice, "quantity": quantity, "invoice_time": MONDAY + timedelta(weeks=week)}
        return line(**(usual | words))

    return make


@pytest.mark.platform
@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=messy_rows,
    cut=st.integers(0, 40),
    late=st.integers(0, 40),
    gap=st.sampled_from([0, 3, 365]),
    equal=st.sampled_from(["lines", "copies", None]),
    block=st.sampled_from([2, 20]),
)
def test_any_lines_in_any_files_give_the_same_bytes_as_at_once(
    rows: list[tuple[str | None, ...]],
    cut: int,
    late: int,
    gap: int,
    equal: str | None,
    block: int,
    params: Params,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    changed = {"unreadable_share": 1.0, "largest_gap_days": gap, "equal_rows": equal, "copied_block": block}
    at = Shop(tmp_path_factory.mktemp("shop"), params | changed)
    frame = pl.DataFrame([GOOD, *rows], schema=dict.fromkeys(COLUMNS, pl.String), orient="row")
    at.write("b.csv", pl.concat([frame.head(1), frame.slice(1, cut)]))
    at.make()
    at.write("a.csv", pl.concat([frame.head(1), frame.slice(1 + late)]))
    whole, expected = at.make(), at.at_once()
    assert at.bytes(whole) == at.expected()
    assert {**whole.counts, "read_as": 0} == {**expected.counts, "read_as": 0}
    assert whole.counts["read_as"] == expected.counts["read_as"]


def test_one_more_file_costs_its_weeks(weeks: Shop, sale: Callable[..., dict[str, Any]]) -> None:
    before = weeks.make()
    weeks.write("week-01-late.parquet", [sale(0, invoice_time=MONDAY + timedelta(hours=3))])
    after = weeks.make()
    assert made_between(before, after) == ["2011-W01"]
    assert weeks.bytes(after) == weeks.expected()
    assert made_between(after, weeks.make()) == []


def test_a_file_is_read_once_and_a_renamed_one_not_again(weeks: Shop) -> None:
    weeks.make()
    (weeks.source / "week-03.parquet").rename(weeks.source / "a.parquet")

    def unread(document: Document) -> Document:
        return Document(document.name, document.digest, lambda: pytest.fail(f"{document.name} was read again"))

    weeks.intake = IncrementalIngest(weeks.folder / "shelf", weeks.params)
    whole = weeks.intake.make([unread(document) for document in weeks.documents()])
    assert weeks.bytes(whole) == weeks.expected()


def test_a_cancellation_weeks_later_makes_the_week_of_its_sale_anew(
    weeks: Shop, sale: Callable[..., dict[str, Any]]
) -> None:
    weeks.write("more.parquet", [sale(2, invoice="999"), sale(5)])
    before = weeks.make()
    weeks.write("week-11-late.parquet", [sale(11, -4, invoice="C7")])
    after = weeks.make()
    assert made_between(before, after) == ["2011-W06", "2011-W12"]
    raw = pl.read_parquet(after.weeks["2011-W06"].folder / "raw.part.parquet")
    assert raw.filter(pl.col("cancelled") > 0).select("cancelled", "cancelled_in_week", "units").rows() == [(4, 0, 2)]
    assert weeks.bytes(after) == weeks.expected()


def test_the_weeks_seen_as_of_one_know_nothing_of_later_ones(weeks: Shop, sale: Callable[..., dict[str, Any]]) -> None:
    weeks.write("a.parquet", [sale(2, invoice="999"), sale(3, -1, invoice="C5", unit_price=9.0), sale(6, -6)])
    whole = weeks.make()
    whole.write(weeks.folder / "raw", weeks.folder / "quarantine")
    end = MONDAY.date() + timedelta(weeks=5)
    then = known_before(read_partitions(weeks.folder / "raw"), weeks.intake.cancelled_by(whole.found, end), end)
    weeks.source = weeks.folder / "early"
    weeks.source.mkdir()
    for path in sorted((weeks.folder / "exports").glob("*")):
        frame = pl.read_parquet(path)
        part = frame.filter(pl.col(time_of(frame)) < MONDAY + timedelta(weeks=5))
        if part.height:
            weeks.write(path.name, part)
    assert then.equals(weeks.at_once().accepted.sort(pl.col("invoice_time").dt.truncate("1w"), maintain_order=True))
    assert then["cancelled"].sum() == 1


def time_of(frame: pl.DataFrame) -> str:
    return "InvoiceDate" if "InvoiceDate" in frame.columns else "invoice_time"


def test_a_torn_result_is_noticed_and_worked_out_again(weeks: Shop) -> None:
    expected = weeks.bytes(weeks.make())
    for pattern in ("documents/*/0/*.sales.parquet", "weeks/*/raw.part.parquet", "weeks/*/index.json"):
        torn = sorted((weeks.folder / "shelf").glob(pattern))[3]
        content = torn.read_bytes()
        torn.unlink()
        torn.write_bytes(content[:-20] + bytes(20))
    (weeks.folder / "known.json").write_text("{")
    assert weeks.bytes(weeks.make()) == expected


def test_what_a_killed_process_left_is_no_result(weeks: Shop) -> None:
    half = weeks.folder / "shelf" / "weeks" / ".half"
    half.mkdir(parents=True)
    (half / "raw.part.parquet").write_text("half")
    assert weeks.bytes(weeks.make()) == weeks.expected()


def test_results_are_dropped_when_nobody_used_them_for_long(weeks: Shop) -> None:
    whole = weeks.make()
    result_cache = weeks.intake.weeks
    key = whole.weeks["2011-W03"].key
    result_cache.prune(keep=(), days=1)
    assert result_cache.find(key), "used today"
    os.utime(result_cache.folder / key, (time.time() - 2 * 86400,) * 2)
    result_cache.prune(keep=(key,), days=1)
    assert (result_cache.folder / key).exists(), "to be kept"
    result_cache.prune(keep=(), days=1)
    assert not (result_cache.folder / key).exists()


def test_an_edit_that_keeps_size_and_time_of_a_file_is_seen(weeks: Shop) -> None:
    path = weeks.source / "week-03.parquet"
    os.utime(path, (1_300_000_000, 1_300_000_000))
    assert weeks.documents() and "week-03" not in (weeks.folder / "known.json").read_text(), "it changed just now"
    before = {document.name: document.digest for document in weeks.documents(settled=-1)}
    assert "week-03" in (weeks.folder / "known.json").read_text()
    content = bytearray(path.read_bytes())
    content[50] ^= 1
    path.write_bytes(bytes(content))
    os.utime(path, (1_300_000_000, 1_300_000_000))
    after = {document.name: document.digest for document in weeks.documents()}
    assert [name for name in before if before[name] != after[name]] == ["week-03.parquet"]


def test_a_file_that_is_written_to_while_it_is_read_is_no_source(weeks: Shop) -> None:
    documents = weeks.documents()
    (weeks.source / "week-03.parquet").write_bytes((weeks.source / "week-04.parquet").read_bytes())
    with pytest.raises(SourceError, match=r"week-03\.parquet was written to while it was read"):
        weeks.intake.make(documents)


def test_a_file_can_turn_the_days_and_months_of_all_others_around(at: Shop, shop: pl.DataFrame) -> None:
    def american(lines: pl.DataFrame) -> pl.DataFrame:
        return lines.with_columns(pl.col("InvoiceDate").dt.strftime("%m/%d/%Y %H:%M"))

    day = pl.col("InvoiceDate").dt.day()
    at.write("a.csv", american(shop.filter(day <= 12)))
    assert at.make().counts["read_as"]["a.csv"]["dates"].startswith("%d/%m/%Y (assumed: no date says whether")
    at.write("b.csv", american(shop.filter(day > 12)))
    whole = at.make()
    assert {file["dates"] for file in whole.counts["read_as"].values()} == {"%m/%d/%Y"}
    assert at.bytes(whole) == at.expected()


def test_what_is_written_can_be_read_as_partitions(weeks: Shop) -> None:
    weeks.make().write(weeks.folder / "raw", weeks.folder / "quarantine")
    assert read_partitions(weeks.folder / "raw").height == 300
    assert read_partitions(weeks.folder / "quarantine").is_empty()


def test_lines_below_titles_and_in_archives_are_the_same_week_by_week(at: Shop, shop: pl.DataFrame) -> None:
    first, second = shop.head(150), shop.tail(150)
    far = shop.head(1).with_columns(InvoiceDate=pl.lit(datetime(2099, 1, 1)), InvoiceNo=pl.lit("9"))
    titles = "Sales by line item\nall stores\n\n"
    (at.source / "a.csv").write_text(titles + pl.concat([first, far]).write_csv() + "Total,,,9,,,,\n")
    with zipfile.ZipFile(at.source / "b.zip", "w") as archive:
        archive.writestr("2011/b.csv", titles + pl.concat([second, far]).write_csv())
        archive.writestr("readme.txt", "Exported\non Monday\n")
    whole = at.make()
    assert at.bytes(whole) == at.expected()
    assert whole.counts["reasons"] == {"date far from all others": 1, "total row": 1}
    assert whole.counts == {**at.at_once().counts}
    assert at.make().counts == whole.counts, "from the shelf"
