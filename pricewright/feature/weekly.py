"""The panel week by week: what the transactions of each week give, worked out once and kept until something changes.

Gives what `build_panel` gives of all transactions at once, byte for byte. On three shelves lie the sales of every week
(`sales`), its rows of all SKUs with what is carried on (`rows`), and where SKUs are left out that sold too rarely, the
rows that are kept (`kept`). A new week costs itself and the window that its features look back on; a corrected one
costs also the weeks after it, for what is carried on has changed.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from functools import cache, cached_property, partial
from pathlib import Path
from typing import Any

import polars as pl

from pricewright.feature.features import FEATURES, KEPT, SOMETIMES
from pricewright.feature.panel import NOBODY, Ending, WeekCounts, counts_of, end, gather, weeks_of
from pricewright.feature.panel_builder import WINDOW, PanelBuilder
from pricewright.feature.sales import WeekSales, home_country, read_sales, repeat_customers
from pricewright.files import Digests, digest_of
from pricewright.items import Chain
from pricewright.partitions import gather_partitions, iso_week, write_part
from pricewright.result_cache import CachedResult, ResultCache, key_of, side_by_side

SALES, ASKED, NAMES, BUYERS = "sales.parquet", "asked.parquet", "names.parquet", "buyers.parquet"
BATCH = 500_000  # transactions of the weeks that are looked at together
SPARE_DAYS = 14.0  # for so long the shelves keep what no run used
ROWS, CARRIED = "rows.parquet", "carried.parquet"
READ = ("row", "invoice", "stock_code", "description", "quantity", "cancelled_in_week", "units", "invoice_time",
        "unit_price", "customer_id", "country", "unit_cost", "category", "promotion", "channel",
        "in_stock", "store", "zone", "brand", "competitor_price", "tax_rate")  # fmt: skip
OF_ROWS = ("reference_weeks", "family_code_length", "stockout_probability")  # what the rows of all SKUs depend on
ReportProgress = Callable[[float, str], None]


@dataclass(frozen=True)
class CachedSales:
    """The sales of a week as they lie on the shelf."""

    entry: CachedResult

    @cached_property
    def week(self) -> date:
        """Its Monday."""
        return date.fromisoformat(self.entry.index["week"])

    @property
    def days(self) -> tuple[date, ...]:
        """Days with a line."""
        return tuple(date.fromisoformat(day) for day in self.entry.index["days"])

    @property
    def counts(self) -> WeekCounts:
        """What is counted of it."""
        index = self.entry.index
        return WeekCounts(self.week, index["units"], index["sold_units"], index["unsold"])

    def buyers(self) -> pl.LazyFrame:
        """stock_code and buyer."""
        return pl.scan_parquet(self.entry.folder / BUYERS, hive_partitioning=False)

    def codes(self) -> pl.Series:
        """Every SKU with a line."""
        return pl.read_parquet(self.entry.folder / NAMES, columns=["stock_code"])["stock_code"]

    def read(self) -> WeekSales:
        """The whole of it."""
        files = (SALES, ASKED, NAMES, BUYERS)
        sales, asked, names, buyers = (pl.read_parquet(self.entry.folder / name) for name in files)
        index = self.entry.index
        return WeekSales(
            week=self.week,
            sales=sales,
            asked=asked,
            names=names,
            unstocked=tuple(index["unstocked"]),
            says_stock=index["says_stock"],
            buyers=buyers,
            days=self.days,
            countries=index["countries"],
            home=index["home"],
            units=index["units"],
        )


def write_sales(week: WeekSales, folder: Path) -> dict[str, Any]:
    """Write SALES, ASKED, NAMES and BUYERS; returns what else there is to know."""
    for name, frame in ((SALES, week.sales), (ASKED, week.asked), (NAMES, week.names)):
        frame.write_parquet(folder / name, compression="lz4")
    # in small groups of rows, in order of SKU, so that those of a range of SKUs are read without the others
    week.buyers.write_parquet(folder / BUYERS, compression="lz4", row_group_size=2**16)
    counted = counts_of(week)
    return {
        "week": str(week.week),
        "days": [str(day) for day in week.days],
        "countries": dict(week.countries),
        "home": week.home,
        "units": counted.units,
        "sold_units": counted.sold_units,
        "unsold": list(counted.unsold),
        "unstocked": list(week.unstocked),
        "says_stock": week.says_stock,
        "buyers": week.buyers.height,
    }


@dataclass(frozen=True)
class WeeklyPanel:
    """parts: the files of the panel by week; made: weeks whose rows were worked out now; the rest as in Ending."""

    parts: Mapping[str, Path]
    ending: Ending
    made: int

    def write(self, folder: Path) -> None:
        """Make the folder hold the panel's weeks."""
        gather_partitions(self.parts, folder, self.ending.coming.clear().select(*KEPT, *SOMETIMES, *FEATURES))


class IncrementalPanel:
    """The panel of one workspace: `folder` holds the shelves, `params` is the section `feature`; chain: what is
    priced."""

    def __init__(self, folder: Path, params: Mapping[str, Any], chain: Chain | None = None) -> None:
        self.sales, self.rows, self.kept = (ResultCache(folder / name) for name in ("sales", "rows", "kept"))
        self._digests, self._params, self._chain = folder / "digests.json", params, chain or Chain()

    def build(
        self, raw: Mapping[str, Path], report_progress: ReportProgress = lambda share, words: None
    ) -> WeeklyPanel:
        """The panel of the transactions of all weeks, by ISO week. Raises SourceError when none can be made of them."""
        sales = self._read(raw, lambda share, words: report_progress(0.4 * share, words))
        weeks = weeks_of([week.days for week in sales])
        past = [week for week in sales if week.week < weeks["week"][-1]]
        keys = self._keys(past)
        known = list(self._known(keys))
        builder, rows = self._walk(
            past, weeks, keys, known, lambda share, words: report_progress(0.4 + 0.5 * share, words)
        )
        report_progress(0.9, "leaving out what sold too rarely")
        later = set().union(*(week.codes() for week in sales[len(past) :]))
        counted = [week.counts for week in sales]
        ending = end(builder, builder.carried_on(), counted, weeks, later, self._params, self._chain)
        entries = list(side_by_side(lambda t: self._without(rows[t], ending.dropped, len(rows) - t), range(len(rows))))
        self.sales.prune({week.entry.key for week in sales}, SPARE_DAYS)
        self.rows.prune({entry.key for entry in rows}, SPARE_DAYS)
        self.kept.prune({entry.key for entry in entries}, SPARE_DAYS)
        parts = {iso_week(week.week): entry.folder / ROWS for week, entry in zip(past, entries, strict=True)}
        parts = {week: path for week, path in parts.items() if path.exists()}
        return WeeklyPanel(parts, ending, len(rows) - len(known))

    def _read(self, raw: Mapping[str, Path], report_progress: ReportProgress) -> list[CachedSales]:
        """The sales of every week, in order; those that are not on the shelf, or knew another home, are made."""
        digests = Digests(self._digests)  # of links, whose inodes change with each
        found: list[CachedSales] = []
        waiting: dict[str, pl.DataFrame] = {}
        for number, (name, path) in enumerate(sorted(raw.items())):
            key = key_of(code_digest(), self._chain.digest, name, digests.of(path))
            entry = self.sales.find(key)
            if entry or sum(lines.height for lines in waiting.values()) >= BATCH:
                report_progress(number / len(raw), f"sales of the weeks before {name}")
                found += self._make(waiting, found)
                waiting = {}
            if entry and entry.index["home"] == home_country(_countries([*found, CachedSales(entry)])):
                found.append(CachedSales(entry))
            else:
                waiting[key] = pl.read_parquet(path, columns=list(READ), hive_partitioning=False)
        digests.save()
        return found + self._make(waiting, found)

    def _make(self, waiting: Mapping[str, pl.DataFrame], before: Sequence[CachedSales]) -> list[CachedSales]:
        keys = [key for key, lines in waiting.items() if lines.height]
        if not keys:
            return []
        weeks = read_sales(self._chain.items(pl.concat(waiting.values())), _countries(before))
        return [
            CachedSales(self.sales.put(key, lambda folder, week=week: write_sales(week, folder)))  # type: ignore[misc]
            for key, week in zip(keys, weeks, strict=True)
        ]

    def _keys(self, past: Sequence[CachedSales]) -> list[str]:
        """A key for the rows of each week, which differs where its own sales or those of any week before do."""
        keys: list[str] = []
        before = key_of(code_digest(), {name: self._params[name] for name in OF_ROWS})
        for week in past:
            before = key_of(before, week.entry.key, week.entry.index["home"], *self._stock_of(week.week))
            keys.append(before)
        return keys

    def _stock_of(self, week: date) -> list[str]:
        """What the stock file says of a week, as part of a key; nothing where it says nothing."""
        listed = self._chain.stock.filter(pl.col("week") == week)
        return [listed.write_csv()] if listed.height else []

    def _known(self, keys: Sequence[str]) -> Iterator[CachedResult]:
        for key in keys:
            entry = self.rows.find(key)
            if entry is None:
                return
            yield entry

    def _walk(
        self,
        past: Sequence[CachedSales],
        weeks: pl.DataFrame,
        keys: Sequence[str],
        known: list[CachedResult],
        report_progress: ReportProgress,
    ) -> tuple[PanelBuilder, list[CachedResult]]:
        """The walk after the last full week, and the rows of all weeks."""
        start, rows = len(known), list(known)
        carried = [entry.folder / CARRIED for entry in known[-WINDOW:]]
        files = [*carried[-1:], *(week.entry.folder / SALES for week in past[start:])]
        codes = [pl.read_parquet(file, columns=["stock_code"])["stock_code"] for file in files]
        found = pl.concat(codes).unique().sort().to_list() if codes else []
        builder = PanelBuilder(found, weeks, self._params, parted=self._chain.parted, stock=self._chain.stock)
        builder.go_on(start, (pl.read_parquet(file) for file in carried))
        pairs = sum(int(week.entry.index["buyers"]) for week in past)
        again = gather(repeat_customers([week.buyers() for week in past], start, builder.codes, pairs))
        with ThreadPoolExecutor(1) as writer:  # a week is written while the next one is worked out
            writing: list[Future[CachedResult]] = []
            for t in range(start, len(past)):
                report_progress((t - start) / (len(past) - start), f"rows of {past[t].week}")
                made = builder.step(past[t].read(), again.pop(t, NOBODY))
                rows += [written.result() for written in writing]
                writing = [writer.submit(self.rows.put, keys[t], partial(_write_rows, made, builder.carried_on()))]
            rows += [written.result() for written in writing]
        return builder, rows

    def _without(self, entry: CachedResult, dropped: pl.DataFrame, age: int) -> CachedResult:
        """The rows of a week without the SKUs that are dropped; age: how old a SKU is at the end that began then."""
        then = dropped.filter(pl.col("age") >= age)["stock_code"].sort()
        if then.is_empty():
            return entry
        key = key_of(entry.key, then.to_list())
        return self.kept.find(key) or self.kept.put(key, lambda folder: _write_kept(entry, then, folder))


@cache
def code_digest() -> str:
    """Differs where the code that makes rows does."""
    here = Path(__file__).parent
    files = [
        *sorted(here.glob("*.py")),
        *(here.parent / name for name in ("items.py", "partitions.py", "core/price_features.py", "units.py")),
    ]
    return key_of(pl.__version__, [digest_of(file) for file in files])


def _write_rows(rows: pl.DataFrame, carried: pl.DataFrame, folder: Path) -> dict[str, Any]:
    if rows.height:
        write_part(rows, folder / ROWS)
    carried.write_parquet(folder / CARRIED, compression="lz4")
    return {}


def _write_kept(entry: CachedResult, dropped: pl.Series, folder: Path) -> dict[str, Any]:
    rows = pl.read_parquet(entry.folder / ROWS, hive_partitioning=False)
    kept = rows.filter(~pl.col("stock_code").is_in(dropped.implode()))
    if kept.height:
        write_part(kept, folder / ROWS)
    return {}


def _countries(weeks: Sequence[CachedSales]) -> dict[str, int]:
    """Lines by country of all these weeks."""
    total: Counter[str] = Counter()
    for week in weeks:
        total.update(week.entry.index["countries"])
    return dict(total)
