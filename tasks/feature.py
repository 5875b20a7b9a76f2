"""Stage feature: accepted transactions into the weekly panel, the coming week and the catalog."""

import polars as pl

from pricewright.feature.weekly import IncrementalPanel
from pricewright.items import Chain, chain_of, dear_products
from pricewright.partitions import partition_files
from tasks.gates import Metrics
from tasks.stage import ReportProgress, Stage
from tasks.workspace import BESIDE, Workspace


def work(workspace: Workspace, report_progress: ReportProgress) -> Metrics:
    """One row per SKU and week; the coming week apart, for it has no sales yet. Weeks that stay are not made again."""
    raw = partition_files(workspace.work / "raw")
    lines = pl.scan_parquet(list(raw.values()), glob=False, hive_partitioning=False)
    chain = open_chain(workspace, lines)
    panel = open_panel(workspace, chain).build(raw, lambda share, words: report_progress(0.95 * share, words))
    report_progress(0.95, "writing the panel")
    panel.write(workspace.work / "panel")
    panel.ending.coming.write_parquet(workspace.work / "coming.parquet")
    panel.ending.catalog.write_parquet(workspace.work / "catalog.parquet")
    zones = chain.zones(lines)
    zones.write_parquet(workspace.work / "zones.parquet")
    unjoined = chain.unjoined(lines) | dear_products(panel.ending.catalog)
    known = {"stores": zones.height, "zones": zones["zone"].n_unique()} if zones.height else {}
    return panel.ending.counts | known | ({"beside": unjoined} if unjoined else {})


def open_chain(workspace: Workspace, lines: pl.LazyFrame) -> Chain:
    """What is priced: the level asked for, and what the files beside the sales say of stores, products and stock."""
    stores, products, stock = (pl.read_parquet(workspace.work / f"{name}.parquet") for name in BESIDE)
    return chain_of(str(workspace.parameters["price"]["level"]), lines, stores, products, stock)


def open_panel(workspace: Workspace, chain: Chain) -> IncrementalPanel:
    """The panel of the workspace; its shelves lie outside of what the stage writes, and may be deleted."""
    return IncrementalPanel(workspace.root / ".pricewright" / "panel", workspace.parameters["feature"], chain)


def line(metrics: Metrics) -> str:
    """How large the panel is."""
    skus = f"{metrics['skus']:,} SKUs"
    if "zones" in metrics:
        zones = f"{metrics['zones']:,} zones of " if metrics["zones"] < metrics["stores"] else ""
        skus = f"{metrics['skus']:,} items in {zones}{metrics['stores']:,} stores"
    return (
        f"{metrics['rows']:,} panel rows: {skus}, {metrics['weeks']} weeks "
        f"({metrics['first_week']} to {metrics['last_week']})"
    )


def notes(metrics: Metrics) -> list[str]:
    """What the files beside the sales and the lines do not have in common."""
    beside = metrics.get("beside", {})
    lines = []
    for name in ("products", "stores"):
        if found := beside.get(name):
            lines += _counted(found["not_sold"], f"of the {name} file have no sales")
            lines += _counted(found["not_listed"], f"are not in the {name} file")
    if "stock_not_sold" in beside:
        lines += _counted(beside["stock_not_sold"], "of the stock file have no sales")
    if "cost_above_price" in beside:
        lines += _counted(beside["cost_above_price"], "cost more than their current price")
    if "stores_without_zone" in beside:
        lines += _counted(beside["stores_without_zone"], "of the stores file have no zone: each is its own")
    return lines


def _counted(found: Metrics, what: str) -> list[str]:
    more = ", ..." if found["count"] > len(found["first"]) else ""
    return [f"{found['count']:,} {what}: {', '.join(found['first'])}{more}"] if found["count"] else []


FEATURE = Stage("feature", work, line, publishes=("panel",), notes=notes)
