"""A backfill as an operator runs it: a Prefect flow with a task per week, killed in the middle, and run again."""

import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from pydantic import ValidationError

from flows.forms import BackfillRequest
from tasks.run import open_run
from tasks.stage import perform
from tasks.stages import STAGES
from testing.weekly_shop import WeeklyShop, all_weeks, corrected, fresh, late, taken_back

pytestmark = pytest.mark.platform

WEEKS = all_weeks()
RANGE = ("--from", WEEKS[4], "--to", WEEKS[19], "--max-parallel", "2")


def build(shop: WeeklyShop) -> None:
    with open_run(shop.root, str(shop.source), str(shop.root / "lake")) as run:
        perform(STAGES["ingest"], run)
        perform(STAGES["feature"], run)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WeeklyShop]:
    made = WeeklyShop(tmp_path_factory.mktemp("flow") / "shop")
    made.deliver()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(made.root)
        build(made)
        yield made


def kill_when(process: "subprocess.Popen[bytes]", journal: Path, weeks: int) -> int:
    """Kill the process with all it started as soon as so many weeks are done; how many are."""
    deadline = time.monotonic() + 240
    while len(list(journal.glob("*/done/*.json"))) < weeks:
        assert process.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(30)
    return len(list(journal.glob("*/done/*.json")))


def weeks_made(shop: WeeklyShop) -> list[tuple[datetime, datetime]]:
    """Begin and end of the tasks that made weeks, in the run that was not killed."""
    (database,) = shop.root.glob("**/prefect.db")
    with sqlite3.connect(database) as connection:
        rows = connection.execute(
            "select t.start_time, t.end_time from task_run t join flow_run f on t.flow_run_id = f.id "
            "where t.name like 'ingest 20%' and f.state_type = 'COMPLETED'"
        ).fetchall()
    return [(datetime.fromisoformat(begun), datetime.fromisoformat(ended)) for begun, ended in rows]


@pytest.fixture(scope="module")
def second(shop: WeeklyShop) -> tuple[int, dict[str, str], subprocess.CompletedProcess[str]]:
    """A first run that was killed: the weeks it had done, and what was there then; and the run after it."""
    shop.add(f"{WEEKS[5]}.parquet", corrected(shop.of(WEEKS[5])))
    shop.add(f"{WEEKS[7]}-late.parquet", late(shop.of(WEEKS[7])))
    shop.add("returns.parquet", taken_back(shop.of(WEEKS[3]), weeks=6))
    done = kill_when(shop.checkout.start("backfill", *RANGE), shop.root / ".pricewright/backfills", 3)
    held = shop.held()
    again = shop.checkout.pricewright("backfill", *RANGE)
    assert again.returncode == 0, again.stdout + again.stderr
    return done, held, again


def test_killed_and_started_again_it_makes_the_weeks_that_are_left_and_ends_in_a_fresh_build(
    shop: WeeklyShop, second: tuple[int, dict[str, str], subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    done, held, again = second
    assert len(weeks_made(shop)) == 16 - done
    assert 3 <= done < 16
    assert shop.held() != held
    assert shop.held() == fresh(shop, tmp_path / "fresh", build)
    assert f"{WEEKS[5]}" in again.stdout and "changed" in again.stdout and "as before" in again.stdout
    assert again.stderr == ""


def test_no_more_weeks_than_asked_for_are_at_work_at_once(
    shop: WeeklyShop, second: tuple[int, dict[str, str], subprocess.CompletedProcess[str]]
) -> None:
    spans = weeks_made(shop)
    at_once = [sum(begun <= moment < ended for begun, ended in spans) for moment, _ in spans]
    assert max(at_once) == 2


def test_the_run_leaves_a_page_and_a_bar(
    shop: WeeklyShop, second: tuple[int, dict[str, str], subprocess.CompletedProcess[str]]
) -> None:
    (database,) = shop.root.glob("**/prefect.db")
    with sqlite3.connect(database) as connection:
        artifacts = dict(connection.execute("select key, data from artifact order by created").fetchall())
        (name,) = connection.execute("select name from flow_run where state_type = 'COMPLETED'").fetchone()
    assert name == f"backfill-weeks {WEEKS[4]} to {WEEKS[19]}"
    assert WEEKS[5] in artifacts["backfill"]
    assert float(artifacts["backfill-weeks"]) == 100.0
    assert {"ingest", "feature"} <= set(artifacts)


def test_weeks_that_are_not_there_end_with_2_and_a_hint(shop: WeeklyShop) -> None:
    done = shop.checkout.pricewright("backfill", "--from", "2031-W01")
    assert done.returncode == 2
    assert f"it has {WEEKS[0]} to {WEEKS[-1]}" in done.stderr and "hint:" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_form_explains_and_bounds_every_field() -> None:
    schema = BackfillRequest.model_json_schema()
    assert all(field.get("description") for field in schema["properties"].values())
    asked = {"first_week": "2011-W10", "last_week": "2011-W20"}
    assert BackfillRequest(**asked).order().stages == ("ingest", "feature")
    assert schema["properties"]["stages"]["items"]["enum"] == list(STAGES)
    turned = BackfillRequest(**asked, stages=["train", "ingest"]).order()
    assert turned.stages == ("ingest", "train")
    for wrong in (
        {"max_parallel": 0},
        {"max_parallel": 65},
        {"stages": []},
        {"stages": ["x"]},
        {"last_week": "2011-W09"},
        {"weeks": 3},
    ):
        with pytest.raises(ValidationError):
            BackfillRequest(**asked | wrong)
