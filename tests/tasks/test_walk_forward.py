"""The walk of a backfill: a series in the workspace and in the lake, week by week, and nothing scored twice."""

from pathlib import Path

import polars as pl
import pytest

from blocks.lake import Lake
from tasks import walk_forward as room
from tasks.backfill import find_weeks, ingest_weeks, open_backfill, read_documents
from tasks.backfill_page import Backfilled, page, run_stages, summarise
from tasks.existing_weeks import BackfillOrder
from tasks.walk_forward import walk_weeks
from testing.weekly_shop import WeeklyShop, all_weeks

WEEKS = all_weeks()


def walked(shop: WeeklyShop, first: str, last: str, *, end: bool = True) -> tuple[Backfilled | None, str]:
    order = BackfillOrder(first, last, source=str(shop.source), store=str(shop.root / "lake"), walk_forward=True)
    with open_backfill(shop.root, order) as backfill:
        for step in (read_documents, find_weeks, ingest_weeks, run_stages, walk_weeks):
            step(backfill)
        if not end:
            return None, ""
        done = summarise(backfill)
        return done, page(backfill, done)


def test_the_series_has_a_row_per_week_and_model_and_lies_in_the_lake_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = WeeklyShop(tmp_path / "shop")
    shop.deliver()
    monkeypatch.chdir(shop.root)
    walked(shop, WEEKS[12], WEEKS[13], end=False)  # killed before its end
    calls: list[str] = []
    scored = room.walk
    monkeypatch.setattr(room, "walk", lambda piece: calls.append(piece.week) or scored(piece))
    done, text = walked(shop, WEEKS[12], WEEKS[13])
    assert calls == [], "all weeks had been scored from the same rows"
    assert done is not None
    assert done.walked.group_by("model").len().select("len").unique().item() == done.walked["week"].n_unique()
    assert done.walked["week"].n_unique() + len(done.unscored) == 2
    assert done.unscored and "week" in done.unscored[0]["why"]
    assert done.unscored[0]["week"] == WEEKS[12], "too little history, early"
    assert f"{WEEKS[12]} has no score" in text
    keys = Lake(str(shop.root / "lake")).list("walk_forward")
    assert len(keys) == done.walked["week"].n_unique()
    in_lake = [pl.read_parquet(shop.root / "lake" / key, hive_partitioning=False) for key in sorted(keys)]
    assert pl.concat(in_lake).equals(done.walked)
