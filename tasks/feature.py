"""Stage feature: accepted transactions into the weekly panel, the coming week and the catalog."""

from demand.feature import build_panel
from demand.partitions import read_partitions, write_partitions
from tasks.progress import Tell
from tasks.stage import Metrics, Stage
from tasks.workspace import Workspace

READ = ("row", "invoice", "stock_code", "description", "quantity", "cancelled_in_week", "units", "invoice_time",
        "unit_price", "customer_id", "country", "unit_cost")  # fmt: skip


def work(at: Workspace, tell: Tell) -> Metrics:
    """One row per SKU and week; the coming week apart, for it has no sales yet."""
    tell(0.0, "reading the weeks")
    transactions = read_partitions(at.work / "raw", READ)
    tell(0.2, f"{transactions.height:,} transactions into weeks")
    panel = build_panel(transactions, at.parameters["feature"])
    tell(0.8, "writing the panel")
    write_partitions(panel.rows, at.work / "panel", "week")
    panel.coming.write_parquet(at.work / "coming.parquet")
    panel.catalog.write_parquet(at.work / "catalog.parquet")
    return dict(panel.counts)


def line(metrics: Metrics) -> str:
    """How large the panel is."""
    return (
        f"{metrics['rows']:,} panel rows: {metrics['skus']:,} SKUs, {metrics['weeks']} weeks "
        f"({metrics['first_week']} to {metrics['last_week']})"
    )


FEATURE = Stage("feature", work, line, publishes=("panel",))
