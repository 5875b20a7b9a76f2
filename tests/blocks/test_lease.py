"""Who holds a release keeps it; who removes it is alone; neither outlives a lost reply or what cannot be read."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier

import pytest

from blocks.lake import Blob, Lake
from blocks.lease import Lease, ReleaseInUse, held, marked_for_deletion
from pricewright.core.errors import LakeError

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
            Lease(lake, RELEASE, "eve", clock).mark_for_deletion()
    with marked_for_deletion(lake, RELEASE, "eve", clock):
        pass


def test_a_release_that_is_being_removed_cannot_be_held(lake_url: str, clock: Clock) -> None:
    lake = Lake(lake_url)
    with marked_for_deletion(lake, RELEASE, "eve", clock):
        with pytest.raises(ReleaseInUse, match="is being removed by eve"), held(lake, RELEASE, "ann", clock):
            pass
        with pytest.raises(ReleaseInUse):
            Lease(lake, RELEASE, "mallory", clock).mark_for_deletion()
    with held(lake, RELEASE, "ann", clock):
        pass


def test_what_a_killed_process_holds_runs_out(tmp_path: Path, clock: Clock) -> None:
    lake = Lake(str(tmp_path))
    Lease(lake, RELEASE, "ann", clock).take()
    clock.now += timedelta(hours=1)
    Lease(lake, RELEASE, "eve", clock).mark_for_deletion()
    clock.now += timedelta(hours=1)
    Lease(lake, RELEASE, "bob", clock).take()
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
    with marked_for_deletion(lake, RELEASE, "eve", clock) as alone:
        alone.forget()
    assert lake.list("holds") == {}


def test_of_holders_and_removers_at_once_never_both_get_it(lake_url: str, clock: Clock) -> None:
    start = Barrier(12)

    def come(number: int) -> str:
        hold = Lease(Lake(lake_url), RELEASE, str(number), clock)
        start.wait(30)
        try:
            (hold.take if number % 3 else hold.mark_for_deletion)()
        except ReleaseInUse:
            return "refused"
        return "holds" if number % 3 else "removes"

    with ThreadPoolExecutor(12) as pool:
        outcomes = list(pool.map(come, range(12)))
    assert (outcomes.count("removes"), outcomes.count("holds")) in ((1, 0), (0, 8))


class Unheard(Lake):
    """A lake that does what it is asked the first time, and whose reply is lost."""

    lost = False

    def swap(self, key: str, expected: Blob | None, body: bytes) -> None:
        super().swap(key, expected, body)
        if not self.lost:
            self.lost = True
            raise LakeError("the reply was lost")


class Repeated(Lake):
    """A client that heard nothing, and asks again by itself: the condition no longer holds."""

    def swap(self, key: str, expected: Blob | None, body: bytes) -> None:
        super().swap(key, expected, body)
        super().swap(key, expected, body)


@pytest.mark.parametrize("hold", [held, marked_for_deletion])
def test_a_lost_reply_keeps_nobody_from_a_release(lake_url: str, clock: Clock, hold: object) -> None:
    with pytest.raises(LakeError, match="lost"), hold(Unheard(lake_url), RELEASE, "eve", clock):
        pass
    with held(Lake(lake_url), RELEASE, "ann", clock):
        pass
    with marked_for_deletion(Lake(lake_url), RELEASE, "eve", clock):
        pass


@pytest.mark.parametrize("hold", [held, marked_for_deletion])
def test_a_reply_that_was_lost_and_asked_for_again_is_heard(lake_url: str, clock: Clock, hold: object) -> None:
    class Once(Repeated):
        def swap(self, key: str, expected: Blob | None, body: bytes) -> None:
            if self.list("holds"):
                return Lake(lake_url).swap(key, expected, body)
            return super().swap(key, expected, body)

    with hold(Once(lake_url), RELEASE, "eve", clock):
        pass
    with held(Lake(lake_url), RELEASE, "ann", clock):
        pass


def test_nobody_takes_away_the_mark_of_another(tmp_path: Path, clock: Clock) -> None:
    lake = Lake(str(tmp_path))
    late = Lease(lake, RELEASE, "bob", clock)
    late.mark_for_deletion()
    clock.now += timedelta(minutes=11)
    with marked_for_deletion(lake, RELEASE, "eve", clock):
        late.unmark()
        with pytest.raises(ReleaseInUse, match="by eve"):
            Lease(lake, RELEASE, "ann", clock).take()


def test_a_removal_that_was_killed_keeps_others_away_for_ten_minutes_alone(tmp_path: Path, clock: Clock) -> None:
    lake = Lake(str(tmp_path))
    Lease(lake, RELEASE, "eve", clock).mark_for_deletion()
    clock.now += timedelta(minutes=9)
    with pytest.raises(ReleaseInUse):
        Lease(lake, RELEASE, "ann", clock).take()
    clock.now += timedelta(minutes=1)
    Lease(lake, RELEASE, "ann", clock).take()


CORRUPT = [b"", b"{", b"null", b"[]", b"{}", b'{"holders": 1, "condemned": null}', b"\xff",
           b'{"holders": {"x": {"by": "ann", "until": "soon"}}, "condemned": null}',
           b'{"holders": {}, "condemned": {"by": "ann", "until": "2011-12-12T06:30:00"}}', b"[" * 60_000]  # fmt: skip


@pytest.mark.parametrize("body", CORRUPT)
def test_a_hold_that_cannot_be_read_stops_a_removal_and_no_promotion(tmp_path: Path, clock: Clock, body: bytes) -> None:
    lake = Lake(str(tmp_path))
    lake.swap(KEY, None, body)
    with pytest.raises(ReleaseInUse, match="cannot be read") as caught:
        Lease(lake, RELEASE, "eve", clock).mark_for_deletion()
    assert KEY in caught.value.hint
    with held(lake, RELEASE, "ann", clock):
        pass
    with marked_for_deletion(lake, RELEASE, "eve", clock):
        pass
