"""Stage feature: accepted transactions into the weekly panel, the coming week and the catalog."""

from pricewright.feature.weekly import PanelIntake
from pricewright.partitions import partition_files
from tasks.stage import Metrics, Stage, Tell
from tasks.workspace import Workspace


def work(at: Workspace, tell: Tell) -> Metrics:
    """One row per SKU and week; the coming week apart, for it has no sales yet. Weeks that stay are not made again."""
    panel = open_panel(at).build(partition_files(at.work / "raw"), lambda share, words: tell(0.95 * share, words))
    tell(0.95, "writing the panel")
    panel.write(at.work / "panel")
    panel.ending.coming.write_parquet(at.work / "coming.parquet")
    panel.ending.catalog.write_parquet(at.work / "catalog.parquet")
    return dict(panel.ending.counts)


def open_panel(at: Workspace) -> PanelIntake:
    """The panel of the workspace; its shelves lie outside of what the stage writes, and may be deleted."""
    return PanelIntake(at.root / ".pricewright" / "panel", at.parameters["feature"])


def line(metrics: Metrics) -> str:
    """How large the panel is."""
    return (
        f"{metrics['rows']:,} panel rows: {metrics['skus']:,} SKUs, {metrics['weeks']} weeks "
        f"({metrics['first_week']} to {metrics['last_week']})"
    )


FEATURE = Stage("feature", work, line, publishes=("panel",))
