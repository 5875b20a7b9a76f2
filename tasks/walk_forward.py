"""Walks forward through the weeks of a backfill: a task per week; the series goes to work/walk_forward and the lake."""

import json
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl

from pricewright.core.errors import ModelError, SourceError
from pricewright.ingest.cancellations import known_before
from pricewright.items import chain_of
from pricewright.partitions import PART, monday_of
from pricewright.result_cache import key_of
from tasks.backfill import Backfill
from tasks.ingest import read_beside_sales
from tasks.prefect_tasks import CountBar, at_most
from tasks.workspace import BESIDE, Workspace

FOLDER = "walk_forward"
SECTIONS = ("feature", "network", "train", "tune")


class WalkPiece:
    """A week to be forecast: where its transactions lie, what was cancelled by then, with which numbers."""

    def __init__(self, raw: Path, folder: Path, week: str, out: Path, numbers: dict[str, Any], key: str) -> None:
        self.raw, self.folder, self.week, self.out = raw, folder, week, out
        self.numbers, self.key = numbers, key

    def __str__(self) -> str:
        return self.week


def walk_weeks(backfill: Backfill) -> None:
    """Score the models as of each week, if that was asked for; a week that was scored from the same is not again."""
    if not backfill.order.walk_forward:
        return
    at = backfill.run.workspace
    pieces = _pieces(backfill)
    left = [piece for piece in pieces if (_known(piece) or {}).get("key") != piece.key]
    bar = CountBar("walk-forward", len(pieces))
    bar.show(len(pieces) - len(left))
    for result in at_most(backfill.order.max_parallel, "walk", walk, left):
        bar.step(f"{result['week']}: {result['why'] or 'scored'}")
    backfill.walked = [known for piece in pieces if (known := _known(piece))]
    for result in backfill.walked:
        week = f"week={result['week']}"
        if not result["why"]:
            backfill.run.lake.publish_folder(f"{FOLDER}/{week}", at.work / FOLDER / week)


def series(workspace: Workspace, weeks: list[str]) -> pl.DataFrame:
    """The scores of the weeks that have some: week, model, measures."""
    parts = [path for week in weeks if (path := workspace.work / FOLDER / f"week={week}" / PART).exists()]
    return pl.concat([pl.read_parquet(part, hive_partitioning=False) for part in parts]) if parts else pl.DataFrame()


def walk(piece: WalkPiece) -> dict[str, Any]:
    """Forecast a week and write its scores; returns why there are none, or an empty text."""
    from pricewright.train import score_week, walk_week

    began, week = time.time(), monday_of(piece.week)
    parts = [path for path in sorted(piece.raw.glob(f"week=*/{PART}")) if _name(path) <= piece.week]
    result = {"week": piece.week, "key": piece.key, "why": ""}
    try:
        if not parts:
            raise SourceError(f"there are no transactions up to {piece.week}.")
        lines = pl.concat([pl.read_parquet(part, hive_partitioning=False) for part in parts])
        cancelled = pl.read_parquet(piece.folder / "cancelled.parquet")
        then = known_before(lines, cancelled, week + timedelta(weeks=1))
        stores, products, stock = (pl.read_parquet(piece.folder / f"{name}.parquet") for name in BESIDE)
        chain = chain_of(str(piece.numbers["price"]["level"]), then, stores, products, stock)
        scores = score_week(walk_week(then, week, piece.numbers["hyperparameters"], piece.numbers, chain=chain))
    except (SourceError, ModelError) as error:
        result["why"] = error.message
    else:
        path = piece.out / f"week={piece.week}" / PART
        path.parent.mkdir(parents=True, exist_ok=True)
        scores.write_parquet(path)
    (piece.folder / "result.json").write_text(json.dumps(result | {"seconds": time.time() - began}))
    return result


def _pieces(backfill: Backfill) -> list[WalkPiece]:
    at = backfill.run.workspace
    intake = backfill.intake
    found = intake.survey(backfill.documents)
    jobs = intake.jobs(found)
    tuned = at.work / "hyperparameters.json"
    numbers = {name: at.parameters[name] for name in SECTIONS}
    numbers["price"] = {"level": at.parameters["price"]["level"]}
    numbers["hyperparameters"] = json.loads(tuned.read_text()) if tuned.exists() else at.parameters["tune"]["defaults"]
    beside, _ = read_beside_sales(at)
    pieces = []
    for week in backfill.order.weeks:
        cancelled = intake.cancelled_by(found, monday_of(week) + timedelta(weeks=1))
        folder = backfill.checkpoint.folder / "walks" / week
        folder.mkdir(parents=True, exist_ok=True)
        cancelled.write_parquet(folder / "cancelled.parquet")
        for name, table in beside.items():
            table.write_parquet(folder / f"{name}.parquet")
        texts = [table.write_csv() for table in (cancelled, *beside.values())]
        key = key_of([job.key for job in jobs if job.week <= week], *texts, numbers)
        pieces.append(WalkPiece(at.work / "raw", folder, week, at.work / FOLDER, numbers, key))
    return pieces


def _known(piece: WalkPiece) -> dict[str, Any] | None:
    path = piece.folder / "result.json"
    try:
        known: dict[str, Any] = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    return known


def _name(part: Path) -> str:
    return part.parent.name.removeprefix("week=")
