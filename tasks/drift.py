"""Stage drift: the newest full weeks against those the models learnt from; a verdict and Evidently's page."""

import polars as pl

from pricewright.core.errors import ParameterError
from pricewright.drift import assess_drift
from pricewright.partitions import read_partitions
from tasks.gates import Metrics, verdict_line, verdict_notes, write_verdict
from tasks.stage import ReportProgress, Stage
from tasks.workspace import Workspace


def work(workspace: Workspace, report_progress: ReportProgress) -> Metrics:
    """The verdict is written whatever it says; promotion reads it."""
    params = workspace.parameters["drift"]
    panel = read_partitions(workspace.work / "panel")
    reference, current = split(panel, int(params["weeks"]))
    report_progress(0.2, f"{current.height:,} rows against {reference.height:,}")
    verdict, page = assess_drift(reference, current, params)
    metrics = write_verdict(workspace, verdict)
    (workspace.work / "drift" / "report.html").write_text(page)
    return metrics | {"reference_rows": reference.height, "current_rows": current.height}


def split(panel: pl.DataFrame, weeks: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Panel rows before the newest `weeks` weeks, and of those weeks."""
    known = panel["week"].unique().sort()
    if len(known) <= weeks:
        raise ParameterError(
            f"the panel has {len(known)} weeks, drift.weeks is {weeks}: weeks must be left to compare with.",
            hint="give more history, or lower drift.weeks.",
        )
    first = known[-weeks]
    return panel.filter(pl.col("week") < first), panel.filter(pl.col("week") >= first)


DRIFT = Stage("drift", work, verdict_line, notes=verdict_notes)
