"""Stage train: four models, the price list, and the backtest that says how good they are."""

import json
from typing import TYPE_CHECKING

import polars as pl

from demand.partitions import read_partitions
from demand.release.arrays import pack
from demand.release.bundle import plan_json
from demand.release.manifest import BACKTEST, PLAN, PRICE_CHANGES, PRICE_LIST
from tasks.progress import Tell
from tasks.stage import Metrics, Stage
from tasks.workspace import Workspace

if TYPE_CHECKING:
    from demand.train import Trained


def work(at: Workspace, tell: Tell) -> Metrics:
    """Fit on all full weeks; the backtest's models have seen earlier weeks only."""
    from demand.train import train  # imports torch: 2 s that a run which skips this stage does not wait

    hyperparameters = json.loads((at.work / "hyperparameters.json").read_text())
    panel, coming, catalog = (
        read_partitions(at.work / "panel"),
        pl.read_parquet(at.work / "coming.parquet"),
        pl.read_parquet(at.work / "catalog.parquet"),
    )
    trained = train(panel, coming, catalog, hyperparameters, at.parameters, tell)
    _write(at, trained)
    return dict(trained.metrics)


def _write(at: Workspace, trained: "Trained") -> None:
    models = at.work / "models"
    models.mkdir(parents=True, exist_ok=True)
    for name, body in trained.models.items():
        (models / f"{name}.onnx").write_bytes(body)
    (models / "catalog.npz").write_bytes(pack(trained.catalog))
    trained.price_list.write_parquet(at.work / PRICE_LIST)
    trained.backtest.write_parquet(at.work / BACKTEST)
    trained.price_changes.write_parquet(at.work / PRICE_CHANGES)
    (at.work / PLAN).write_bytes(plan_json(trained.plan))
    (at.work / "plots").mkdir(exist_ok=True)
    errors_by_week(trained.backtest).write_csv(at.work / "plots" / "backtest.csv")


def errors_by_week(backtest: pl.DataFrame) -> pl.DataFrame:
    """One row per model and week: WAPE (absolute error over units) and bias (predicted over actual units)."""
    units, error = pl.col("units"), (pl.col("predicted_median") - pl.col("units")).abs()
    return (
        backtest.group_by("model", "week")
        .agg(wape=error.sum() / units.sum(), bias=pl.col("predicted_units").sum() / units.sum())
        .sort("model", "week")
    )


def line(metrics: Metrics) -> str:
    """How good the network's backtest is, and what the price list says."""
    network, prices = metrics["models"]["network"], metrics["prices"]
    return (
        f"4 models; network WAPE {network['wape']:.3f}, predicted/sold {network['bias']:.2f}; {prices['moved']:,} of "
        f"{prices['skus']:,} prices move, {prices['sales_uplift']:+.1%} sales expected"
    )


TRAIN = Stage("train", work, line)
