"""Stage fairness: is any segment of customers or products served worse? A verdict, pictures, attributions."""

import polars as pl

from pricewright.core.arrays import unpack
from pricewright.fairness import assess_fairness, draw_fairness
from pricewright.fairness.attribution import open_models
from pricewright.items import together
from pricewright.partitions import read_partitions
from tasks.gates import Metrics, verdict_line, verdict_notes, write_verdict
from tasks.stage import ReportProgress, Stage
from tasks.workspace import Workspace


def work(workspace: Workspace, report_progress: ReportProgress) -> Metrics:
    """The verdict is written whatever it says; promotion reads it."""
    folder = workspace.work / "models"
    effects = unpack((folder / "catalog.npz").read_bytes(), "catalog.npz")["effects"]
    models = open_models({path.stem: path.read_bytes() for path in sorted(folder.glob("*.onnx"))}, effects)
    tables = {
        name: pl.read_parquet(workspace.work / f"{name}.parquet") for name in ("backtest", "price_list", "catalog")
    }
    report_progress(0.1, f"explaining {len(models)} models")
    found = assess_fairness(
        models,
        read_partitions(workspace.work / "panel"),
        tables["backtest"],
        together(tables["price_list"]),
        tables["catalog"],
        workspace.parameters["fairness"],
    )
    metrics = write_verdict(workspace, found.verdict)
    found.segments.write_parquet(workspace.work / "fairness" / "segments.parquet")
    found.attributions.write_parquet(workspace.work / "fairness" / "attributions.parquet")
    report_progress(0.9, "drawing")
    draw_fairness(found, workspace.work / "fairness")
    return metrics | {"segments": found.segments.height}


FAIRNESS = Stage("fairness", work, verdict_line, notes=verdict_notes)
