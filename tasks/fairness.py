"""Stage fairness: is any segment of customers or products served worse? A verdict, pictures, attributions."""

import polars as pl

from pricewright.core.arrays import unpack
from pricewright.fairness import assess_fairness, draw_fairness
from pricewright.fairness.attribution import open_models
from pricewright.partitions import read_partitions
from tasks.gates import verdict_line, verdict_notes, write_verdict
from tasks.stage import Metrics, Stage, Tell
from tasks.workspace import Workspace


def work(at: Workspace, tell: Tell) -> Metrics:
    """The verdict is written whatever it says; promotion reads it."""
    folder = at.work / "models"
    effects = unpack((folder / "catalog.npz").read_bytes(), "catalog.npz")["effects"]
    models = open_models({path.stem: path.read_bytes() for path in sorted(folder.glob("*.onnx"))}, effects)
    tables = {name: pl.read_parquet(at.work / f"{name}.parquet") for name in ("backtest", "price_list", "catalog")}
    tell(0.1, f"explaining {len(models)} models")
    found = assess_fairness(
        models,
        read_partitions(at.work / "panel"),
        tables["backtest"],
        tables["price_list"],
        tables["catalog"],
        at.parameters["fairness"],
    )
    metrics = write_verdict(at, found.verdict)
    found.segments.write_parquet(at.work / "fairness" / "segments.parquet")
    found.attributions.write_parquet(at.work / "fairness" / "attributions.parquet")
    tell(0.9, "drawing")
    draw_fairness(found, at.work / "fairness")
    return metrics | {"segments": found.segments.height}


FAIRNESS = Stage("fairness", work, verdict_line, notes=verdict_notes)
