"""Stage ingest: sales lines from the files, or from the simulated market, into weekly partitions and quarantine."""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from pricewright.core.errors import SourceError
from pricewright.files import digest_of
from pricewright.history import weeks_needed
from pricewright.ingest.products import PRODUCTS, read_products
from pricewright.ingest.rules import NO_PRODUCT
from pricewright.ingest.source import Document, find_documents
from pricewright.ingest.stock import STOCK, read_stock
from pricewright.ingest.stores import STORES, read_stores
from pricewright.ingest.tables import Table
from pricewright.ingest.weekly import IncrementalIngest
from pricewright.result_cache import key_of
from pricewright.worlds import default
from tasks.gates import Metrics, warnings
from tasks.stage import ReportProgress, Stage
from tasks.workspace import BESIDE, Workspace

DECIMALS = {"1.234,50": "decimal comma", "1,234.50": "decimal point"}
ORDERS = {"%d": "days first", "%m": "months first", "%Y": "years first"}
MARKET_NAME = "market"
CODES, LONGEST = 8, 40  # that are not products, named in the run's output; characters of each
ODD_VALUES = {
    "negative_stock": ("stock below zero", "read as not known"),
    "tax_rates_per_cent": ("a rate of tax of 1 and more", "read as per cent"),
    "tax_rates_unread": ("what is no rate of tax", "read as not known"),
}
NOTABLE = 0.001  # of the accepted rows: this many equal ones are worth a note


def read_as(tables: Mapping[str, Mapping[str, Any]]) -> str:
    """`tables` is what the counts have under `read_as`; empty where the types of the files said it all."""
    parts: dict[str, None] = {}
    for facts in (_facts(table) for table in tables.values() if "columns" in table):
        parts |= dict.fromkeys(facts)
    return f"read as: {', '.join(parts)}" if parts else ""


def _facts(table: Mapping[str, Any]) -> list[str]:
    layout, *more = str(table["dates"]).split(" (", 1)
    order = ORDERS.get(layout[:2], "")
    found = [
        " ".join(_sign(table)),
        " (".join([order, *more]) if order else "",
        str(table.get("encoding", "")),
        f"header in row {table['header_row']}" if "header_row" in table else "",
        str(table.get("currency", "")),
        f"prices from the totals in {table['columns']['line_total']}" if "line_total" in table["columns"] else "",
    ]
    return [fact for fact in found if fact]


def _sign(table: Mapping[str, Any]) -> list[str]:
    """The sign before decimals, and that it is a guess where it is one."""
    sign = DECIMALS.get(table.get("numbers", ""), "")
    return [sign, *([f"({table['assumed']})"] if "assumed" in table else [])]


def work(workspace: Workspace, report_progress: ReportProgress) -> Metrics:
    """Account for every row; nothing is written when the source cannot be used. Weeks that stay are not made again."""
    beside, stock_counts = read_beside_sales(workspace)
    documents = source_documents(workspace)
    whole = open_ingest(workspace).ingest(
        documents, source_name(workspace), lambda share, words: report_progress(0.9 * share, words)
    )
    check_history(whole.counts, workspace.parameters, source_name(workspace))
    report_progress(0.9, "writing the weeks")
    whole.write(workspace.work / "raw", workspace.work / "quarantine")
    for name, table in beside.items():
        table.write_parquet(workspace.work / f"{name}.parquet")
    return dict(whole.counts) | ({"stock": stock_counts} if stock_counts else {})


def read_beside_sales(workspace: Workspace) -> tuple[dict[str, pl.DataFrame], dict[str, Any]]:
    """The tables of the run's files beside the sales, empty where it has none, and what is counted of the stock."""
    params, columns = workspace.parameters["ingest"], workspace.columns
    stores, products, stock = (workspace.beside(name) for name in BESIDE)
    shares, counts = read_stock(stock, params, columns) if stock else (pl.DataFrame(schema=STOCK), {})
    return {
        "stores": read_stores(stores, params, columns) if stores else pl.DataFrame(schema=STORES),
        "products": read_products(products, params, columns) if products else pl.DataFrame(schema=PRODUCTS),
        "stock": shares,
    }, counts


def check_history(counts: Metrics, params: Mapping[str, Any], name: str) -> None:
    """Raises SourceError where the sales cover fewer weeks than the later stages need, before they have begun."""
    needed = weeks_needed(params)
    if counts["weeks"] < needed:
        raise SourceError(
            f"{name} has sales in {counts['weeks']} weeks ({counts['first_time'][:10]} to {counts['last_time'][:10]}): "
            f"at least {needed} are needed for prices to be learnt and judged.",
            "put the exports of earlier weeks, best of a year and more, into one folder and give that as the source.",
        )


def open_ingest(workspace: Workspace) -> IncrementalIngest:
    """The ingest of the workspace; its shelf lies outside of what the stage writes, and may be deleted."""
    return IncrementalIngest(ingest_cache_folder(workspace), workspace.parameters["ingest"], workspace.columns)


def ingest_cache_folder(workspace: Workspace) -> Path:
    """Where the shelf is."""
    return workspace.root / ".pricewright" / "intake"


def source_name(workspace: Workspace) -> str:
    """What messages call the source."""
    return MARKET_NAME if workspace.simulated else workspace.source.name


def source_documents(workspace: Workspace, *, trust: bool = True) -> list[Document]:
    """The files of the source; the simulated market is one. `trust`: see find_documents."""
    if not workspace.simulated:
        return find_documents(workspace.source, ingest_cache_folder(workspace) / "digests.json", trust=trust)
    params = workspace.parameters["market"]
    code = [digest_of(file) for file in sorted(Path(default.__file__).parent.glob("*.py"))]
    return [Document(MARKET_NAME, key_of(params, code), partial(_simulated, params))]


def _simulated(params: Mapping[str, Any]) -> Iterator[Table]:
    yield Table(MARKET_NAME, default.simulated_lines(params))


def line(metrics: Metrics) -> str:
    """Every row is somewhere."""
    return (
        f"{metrics['rows']:,} rows: {metrics['accepted']:,} accepted, {metrics['quarantined']:,} quarantined, "
        f"{metrics['duplicates']:,} duplicates"
    )


def notes(metrics: Metrics) -> list[str]:
    """How the files were read, why rows are not sales, equal rows that are, and what the gate warns of."""
    how_read = read_as(metrics["read_as"])
    return [
        *([how_read] if how_read else []),
        *_odd_values(metrics),
        *_quarantined(metrics),
        *_equal_rows(metrics),
        *warnings(metrics["gate"]),
    ]


def _odd_values(metrics: Metrics) -> list[str]:
    """What was made of values that are hardly meant so, table by table."""
    below = metrics.get("stock", {}).get("negative")
    return ([f"the stock file: stock below zero in {below}: read as not known"] if below else []) + [
        f"{name}: {what} in {table[fact]}: {reading}"
        for name, table in metrics["read_as"].items()
        for fact, (what, reading) in ODD_VALUES.items()
        if fact in table
    ]


def _quarantined(metrics: Metrics) -> list[str]:
    """Every reason with its rows; the codes that are not products by name, so that none is lost unseen."""
    codes = [
        f"{' '.join(code.split())[:LONGEST]} {rows:,}" for code, rows in _most_first(metrics["no_products"])[:CODES]
    ]
    named = {NO_PRODUCT: f" ({', '.join(codes)}{', ...' if len(metrics['no_products']) > CODES else ''})"}
    reasons = [f"{reason} {rows:,}{named.get(reason, '')}" for reason, rows in _most_first(metrics["reasons"])]
    return [f"quarantined: {', '.join(reasons)}"] if reasons else []


def _most_first(rows: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(rows.items(), key=lambda item: (-item[1], item[0]))


def _equal_rows(metrics: Metrics) -> list[str]:
    share = metrics["equal_rows"] / max(metrics["accepted"], 1)
    if share < NOTABLE:
        return []
    return [
        f"{metrics['equal_rows']:,} rows ({share:.1%}) are equal to another row of the same file: counted as sales, a "
        "row per unit; if they are copies: --param ingest.equal_rows=copies"
    ]


INGEST = Stage("ingest", work, line, publishes=("raw", "quarantine"), notes=notes)
