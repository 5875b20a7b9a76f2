"""A backfill ends with what a fresh build of the same source gives, whatever came late, and wherever it was killed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pricewright.core.errors import ParameterError, SourceError
from pricewright.result_cache import ResultCache
from tasks.backfill import Backfill, find_weeks, ingest_weeks, open_backfill, read_documents
from tasks.backfill_page import Backfilled, page, run_stages, summarise
from tasks.existing_weeks import BackfillOrder
from tasks.run import open_run
from tasks.stage import perform
from tasks.stages import STAGES
from testing.weekly_shop import WeeklyShop, all_weeks, corrected, fresh, late, taken_back

WEEKS = all_weeks()


def backfill(shop: WeeklyShop, first: str, last: str = "", stop: Callable[[Backfill], Any] = id, **how: Any) -> Any:
    """All steps but the walk, outside of Prefect; `stop` is called before the stages."""
    order = BackfillOrder(
        first, last or first, **({"source": str(shop.source), "store": str(shop.root / "lake")} | how)
    )
    with open_backfill(shop.root, order) as under_way:
        read_documents(under_way)
        find_weeks(under_way)
        ingest_weeks(under_way)
        stop(under_way)
        run_stages(under_way)
        done = summarise(under_way)
        return done, page(under_way, done)


def build(shop: WeeklyShop) -> None:
    """The first two stages, as the weekly run does them."""
    with open_run(shop.root, str(shop.source), str(shop.root / "lake")) as run:
        perform(STAGES["ingest"], run)
        perform(STAGES["feature"], run)


def what(done: Backfilled) -> dict[str, str]:
    return {row["week"]: row["what"] for row in done.weeks}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> WeeklyShop:
    made = WeeklyShop(tmp_path_factory.mktemp("built") / "shop")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(made.root)
        made.deliver()
        build(made)
    return made


@pytest.fixture
def shop(built: WeeklyShop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WeeklyShop:
    """All weeks have been delivered and built."""
    made = built.copy(tmp_path / "shop")
    monkeypatch.chdir(made.root)
    build(made)  # from another folder it is another source: the ledger takes it over
    return made


def test_late_corrected_and_cancelled_sales_end_in_what_a_fresh_build_gives(shop: WeeklyShop, tmp_path: Path) -> None:
    shop.add(f"{WEEKS[5]}.parquet", corrected(shop.of(WEEKS[5])))
    shop.add(f"{WEEKS[7]}-late.parquet", late(shop.of(WEEKS[7])))
    shop.add("returns.parquet", taken_back(shop.of(WEEKS[3]), weeks=6))
    done, text = backfill(shop, WEEKS[5], WEEKS[9])
    assert {what(done)[WEEKS[5]], what(done)[WEEKS[7]]} == {"changed"}
    assert WEEKS[3] in done.elsewhere, "its sales were cancelled"
    assert [entry.how for entry in done.stages] == ["ran", "ran"]
    assert f"{WEEKS[5]} to {WEEKS[9]}: " in text and "of 5 weeks changed" in text and WEEKS[3] in text
    assert shop.held() == fresh(shop, tmp_path / "fresh", build)


class Killed(Exception):
    """Stands for the end of the process: nothing after it runs."""


@pytest.mark.platform
def test_killed_between_weeks_it_goes_on_with_those_that_are_left(shop: WeeklyShop, tmp_path: Path) -> None:
    before = shop.held()
    for week in WEEKS[5:9]:
        shop.add(f"{week}.parquet", corrected(shop.of(week)))
    made: list[str] = []

    def put(result_cache: ResultCache, key: str, write: Callable[[Path], Any]) -> Any:
        if result_cache.folder.name == "weeks":
            made.append(key)
            if len(made) == 3:
                raise Killed
        return whole(result_cache, key, write)

    whole = ResultCache.put
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ResultCache, "put", put)
        with pytest.raises(Killed):
            backfill(shop, WEEKS[5], WEEKS[8])
        assert shop.held() == before, "nothing that anybody reads has changed"
        made.clear()
        made += ["", "", "", ""]
        done, _ = backfill(shop, WEEKS[5], WEEKS[8], stop=lambda under_way: made.append("stages"))
    assert made.index("stages") - 4 == 2, "two of four weeks were left"
    assert set(what(done).values()) == {"changed"}
    assert [row["accepted before"] for row in done.weeks] == [row["accepted"] for row in done.weeks]
    assert shop.held() == fresh(shop, tmp_path / "fresh", build)


def test_a_finished_backfill_begins_anew_and_makes_its_weeks_although_the_shelf_has_them(shop: WeeklyShop) -> None:
    spoilt = pl.read_parquet(shop.root / f"work/raw/week={WEEKS[4]}/part.parquet")
    again: list[list[str]] = []
    for _ in range(2):
        done, _ = backfill(shop, WEEKS[4], stop=lambda b: again.append([r["week"] for r in b.results]))
        assert what(done) == {WEEKS[4]: "as before"}
        assert [entry.how for entry in done.stages] == ["skipped", "skipped"]
    assert again == [[WEEKS[4]]] * 2
    assert pl.read_parquet(shop.root / f"work/raw/week={WEEKS[4]}/part.parquet").equals(spoilt)
    assert not list((shop.root / ".pricewright/backfills").glob("*"))


def test_weeks_that_the_source_does_not_have_are_an_error_that_names_those_it_has(shop: WeeklyShop) -> None:
    before = shop.held()
    with pytest.raises(SourceError, match=f"has no 2025-W01 to 2025-W02: it has {WEEKS[0]} to {WEEKS[-1]}") as error:
        backfill(shop, "2025-W01", "2025-W02")
    assert error.value.exit_code == 2
    assert shop.held() == before


@pytest.mark.platform
def test_rows_that_vanished_with_their_file_are_kept_until_somebody_drops_them(
    shop: WeeklyShop, tmp_path: Path
) -> None:
    before = shop.held()
    (shop.source / f"{WEEKS[6]}.parquet").unlink()
    with pytest.raises(SourceError, match=rf"{WEEKS[6]}: [\d,]+ rows before, 0 now \({WEEKS[6]}.parquet is gone\)"):
        backfill(shop, WEEKS[5], WEEKS[7])
    with pytest.raises(SourceError, match="rows have vanished"):
        backfill(shop, WEEKS[2])
    assert shop.held() == before
    done, _ = backfill(shop, WEEKS[5], WEEKS[7], drop_vanished=True)
    assert what(done)[WEEKS[6]] == "gone"
    assert shop.held() == fresh(shop, tmp_path / "fresh", build)


def test_a_file_with_another_name_has_not_vanished(shop: WeeklyShop) -> None:
    (shop.source / f"{WEEKS[6]}.parquet").rename(shop.source / f"{WEEKS[6]}-again.parquet")
    done, _ = backfill(shop, WEEKS[6])
    assert what(done) == {WEEKS[6]: "changed"}, "the rows name their file"


def test_a_new_workspace_asks_the_lake_what_was_there(shop: WeeklyShop, tmp_path: Path) -> None:
    other = WeeklyShop(tmp_path / "other")
    other.deliver(*WEEKS[:20])
    with pytest.raises(SourceError, match=f"rows have vanished from the source: {WEEKS[20]}"):
        backfill(other, WEEKS[3], store=str(shop.root / "lake"))
    other.deliver()
    done, _ = backfill(other, WEEKS[3], store=str(shop.root / "lake"), stages=("ingest",))
    assert what(done) == {WEEKS[3]: "rebuilt"}
    assert done.weeks[0]["accepted before"] == done.weeks[0]["accepted"]


def test_without_a_shelf_everything_is_worked_out_again(shop: WeeklyShop) -> None:
    import shutil

    before = shop.held()
    shutil.rmtree(shop.root / ".pricewright/intake")
    done, _ = backfill(shop, WEEKS[4])
    assert what(done) == {WEEKS[4]: "as before"}
    assert shop.held() == before


@pytest.mark.parametrize(("first", "last", "message"), [
    ("2024-W60", "2024-W61", "'2024-W60' is not a week"),
    ("last week", "2024-W02", "'last week' is not a week"),
    ("2024-W05", "2024-W02", "2024-W05 comes after 2024-W02"),
])  # fmt: skip
def test_weeks_are_iso_weeks_in_order(first: str, last: str, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        _ = BackfillOrder(first, last).weeks
