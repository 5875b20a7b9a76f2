"""Stage feature: accepted transactions into the weekly panel, the coming week and the catalog."""

from pricewright.feature.weekly import IncrementalPanel
from pricewright.partitions import partition_files
from tasks.gates import Metrics
from tasks.stage import ReportProgress, Stage
from tasks.workspace import Workspace


def work(workspace: Workspace, report_progress: ReportProgress) -> Metrics:
    """One row per SKU and week; the coming week apart, for it has no sales yet. Weeks that stay are not made again."""
    panel = open_panel(workspace).build(
        partition_files(workspace.work / "raw"), lambda share, words: report_progress(0.95 * share, words)
    )
    report_progress(0.95, "writing the panel")
    panel.write(workspace.work / "panel")
    panel.ending.coming.write_parquet(workspace.work / "coming.parquet")
    panel.ending.catalog.write_parquet(workspace.work / "catalog.parquet")
    return dict(panel.ending.counts)


def open_panel(workspace: Workspace) -> IncrementalPanel:
    """The panel of the workspace; its shelves lie outside of what the stage writes, and may be deleted."""
    return IncrementalPanel(workspace.root / ".pricewright" / "panel", workspace.parameters["feature"])


def line(metrics: Metrics) -> str:
    """How large the panel is."""
    return (
        f"{metrics['rows']:,} panel rows: {metrics['skus']:,} SKUs, {metrics['weeks']} weeks "
        f"({metrics['first_week']} to {metrics['last_week']})"
    )


FEATURE = Stage("feature", work, line, publishes=("panel",))
