"""Holds keep promotion and retention apart, whoever comes first, on both kinds of lake."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier

import pytest

from blocks.hold import Hold, ReleaseInUse, condemned, held
from blocks.lake import Lake

RELEASE = "2011-W48-aaaaaaaa"
KEY = f"holds/{RELEASE}.json"


class Clock:
    """The present, which the test moves."""

    def __init__(self) -> None:
        self.now = datetime(2011, 12, 12, 6, 30, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_several_hold_a_release_and_nobody_removes_it_before_the_last_has_left(lake_url: str, clock: Clock) -> None:
    lake = Lake(lake_url)
    with held(lake, RELEASE, "ann", clock):
        with held(lake, RELEASE, "bob", clock):
            pass
        with pytest.raises(ReleaseInUse, match="is held by ann until 2011-12-12T07:30:00"):
            Hold(lake, RELEASE, "eve", clock).condemn()
    with condemned(lake, RELEASE, "eve", clock):
        pass


def test_a_release_that_is_being_removed_cannot_be_held(lake_url: str, clock: Clock) -> None:
    lake = Lake(lake_url)
    with condemned(lake, RELEASE, "eve", clock):
        with pytest.raises(ReleaseInUse, match="is being removed by eve"), held(lake, RELEASE, "ann", clock):
            pass
        with pytest.raises(ReleaseInUse):
            Hold(lake, RELEASE, "mallory", clock).condemn()
    with held(lake, RELEASE, "ann", clock):
        pass


def test_what_a_killed_process_holds_runs_out(tmp_path: Path, clock: Clock) -> None:
    lake = Lake(str(tmp_path))
    Hold(lake, RELEASE, "ann", clock).take()
    clock.now += timedelta(hours=1)
    Hold(lake, RELEASE, "eve", clock).condemn()
    clock.now += timedelta(hours=1)
    Hold(lake, RELEASE, "bob", clock).take()
    assert [holder["by"] for holder in json.loads(lake.read(KEY).body)["holders"].values()] == ["bob"]


def test_whoever_took_too_long_must_not_act(tmp_path: Path, clock: Clock) -> None:
    with held(Lake(str(tmp_path)), RELEASE, "ann", clock) as hold:
        clock.now += timedelta(minutes=30)
        hold.check()
        clock.now += timedelta(seconds=1)
        with pytest.raises(ReleaseInUse, match="longer than 0:30:00 is not safe"):
            hold.check()


def test_once_the_release_is_gone_nothing_of_its_hold_is_left(tmp_path: Path, clock: Clock) -> None:
    lake = Lake(str(tmp_path))
    with condemned(lake, RELEASE, "eve", clock) as alone:
        alone.forget()
    assert lake.list("holds") == {}


def test_of_holders_and_removers_at_once_never_both_get_it(lake_url: str, clock: Clock) -> None:
    start = Barrier(12)

    def come(number: int) -> str:
        hold = Hold(Lake(lake_url), RELEASE, str(number), clock)
        start.wait(30)
        try:
            (hold.take if number % 3 else hold.condemn)()
        except ReleaseInUse:
            return "refused"
        return "holds" if number % 3 else "removes"

    with ThreadPoolExecutor(12) as pool:
        outcomes = list(pool.map(come, range(12)))
    assert (outcomes.count("removes"), outcomes.count("holds")) in ((1, 0), (0, 8))
