"""A channel points to one release of the lake, and moves by compare-and-swap."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from threading import Barrier

import pytest

from blocks.channel import Channel, Pointer, channels, pointed
from blocks.lake import Blob, Lake
from pricewright.core.errors import ChannelConflict, LakeError, ReleaseError

NOW = datetime(2011, 12, 12, 6, 30, tzinfo=UTC)


@pytest.fixture
def lake(lake_url: str) -> Lake:
    """A lake with two releases."""
    lake = Lake(lake_url)
    for release in ("2011-W48-aaaaaaaa", "2011-W49-bbbbbbbb"):
        lake.write_new(f"releases/{release}/manifest.json", b"{}")
    return lake


def test_before_the_first_promotion_a_channel_points_nowhere(lake: Lake) -> None:
    assert Channel(lake).read() is None


def test_a_promotion_remembers_what_was_served_before(lake: Lake) -> None:
    Channel(lake).point("2011-W48-aaaaaaaa", "ann", NOW)
    Channel(lake).point("2011-W49-bbbbbbbb", "ann", NOW, manifest="ab" * 32)
    assert json.loads(lake.read("channels/production.json").body) == {
        "release": "2011-W49-bbbbbbbb",
        "previous": "2011-W48-aaaaaaaa",
        "promoted_at": "2011-12-12T06:30:00Z",
        "promoted_by": "ann",
        "manifest": "ab" * 32,
        "approval": "",
        "served": [
            {
                "release": "2011-W48-aaaaaaaa",
                "promoted_at": "2011-12-12T06:30:00Z",
                "promoted_by": "ann",
                "manifest": "",
                "approval": "",
            }
        ],
    }


def test_a_pointer_from_before_there_was_a_history_is_read_and_remembered(lake: Lake) -> None:
    old = {"release": "2011-W48-aaaaaaaa", "previous": "2011-W47-cccccccc", "promoted_at": "", "promoted_by": "ann"}
    lake.swap("channels/production.json", None, json.dumps(old).encode())
    assert [step.release for step in Channel(lake).read().history] == ["2011-W47-cccccccc"]
    pointer = Channel(lake).point("2011-W49-bbbbbbbb", "ann", NOW)
    assert [step.release for step in pointer.history] == ["2011-W48-aaaaaaaa", "2011-W47-cccccccc"]


def test_the_history_of_a_channel_stays_within_what_a_pointer_may_have(lake: Lake) -> None:
    channel = Channel(lake)
    for number in range(55):
        channel.point(("2011-W48-aaaaaaaa", "2011-W49-bbbbbbbb")[number % 2], "a name of sixty characters" * 2, NOW,
                      manifest="ab" * 32, approval="cd" * 16)  # fmt: skip
    assert len(lake.read("channels/production.json").body) < 64 << 10
    assert len(channel.read().history) == 50


def test_promoting_what_is_served_changes_nothing(lake: Lake) -> None:
    first = Channel(lake).point("2011-W48-aaaaaaaa", "ann", NOW)
    assert Channel(lake).point("2011-W48-aaaaaaaa", "bob", NOW.replace(year=2012)) == first


def test_without_a_previous_release_there_is_no_way_back(lake: Lake) -> None:
    channel = Channel(lake)
    with pytest.raises(ReleaseError, match="no previous release"):
        channel.previous(channel.see())
    channel.point("2011-W48-aaaaaaaa", "ann", NOW)
    with pytest.raises(ReleaseError, match="no previous release"):
        channel.previous(channel.see())


def test_a_promotion_replaces_what_it_saw_when_it_began_and_nothing_else(lake: Lake) -> None:
    channel = Channel(lake)
    seen = channel.see()
    channel.point("2011-W48-aaaaaaaa", "ann", NOW)
    with pytest.raises(ChannelConflict, match="to 2011-W48-aaaaaaaa by ann at 2011-12-12T06:30:00Z"):
        channel.point("2011-W49-bbbbbbbb", "bob", NOW, seen)
    assert channel.read().release == "2011-W48-aaaaaaaa"


def test_a_promotion_of_what_was_served_loses_too_when_somebody_moved_the_channel(lake: Lake) -> None:
    channel = Channel(lake)
    channel.point("2011-W48-aaaaaaaa", "ann", NOW)
    seen = channel.see()
    channel.point("2011-W49-bbbbbbbb", "bob", NOW)
    with pytest.raises(ChannelConflict, match="to 2011-W49-bbbbbbbb by bob"):
        channel.point("2011-W48-aaaaaaaa", "ann", NOW, seen)


def test_a_write_whose_reply_was_lost_is_no_conflict(lake_url: str) -> None:
    class Forgetful(Lake):
        def swap(self, key, expected, body) -> None:
            super().swap(key, expected, body)
            super().swap(key, expected, body)  # as a client that heard nothing would

    lake = Forgetful(lake_url)
    lake.write_new("releases/2011-W48-aaaaaaaa/manifest.json", b"{}")
    assert Channel(lake).point("2011-W48-aaaaaaaa", "ann", NOW).release == "2011-W48-aaaaaaaa"


class Unheard(Lake):
    """A lake that writes pointers and whose reply never comes; `gone`: the release goes while it is waited for."""

    gone = False

    def swap(self, key: str, expected: Blob | None, body: bytes) -> None:
        super().swap(key, expected, body)
        if self.gone and expected is not None:
            self.remove("releases/2011-W49-bbbbbbbb/manifest.json")
            self.gone = False
            raise LakeError("no reply came")
        if expected is not None and b"2011-W49-bbbbbbbb" in body:
            raise LakeError("no reply came")


def test_a_promotion_that_heard_no_reply_says_so_whether_or_not_it_was_done(lake: Lake, lake_url: str) -> None:
    Channel(lake).point("2011-W48-aaaaaaaa", "ann", NOW)
    with pytest.raises(LakeError, match="no reply came"):
        Channel(Unheard(lake_url)).point("2011-W49-bbbbbbbb", "bob", NOW)
    assert Channel(lake).read().release == "2011-W49-bbbbbbbb", "here it was, and what it names is whole"


def test_a_promotion_that_heard_no_reply_leaves_no_pointer_to_a_release_that_went(lake: Lake, lake_url: str) -> None:
    Channel(lake).point("2011-W48-aaaaaaaa", "ann", NOW)
    unheard = Unheard(lake_url)
    unheard.gone = True
    with pytest.raises(LakeError, match="no reply came"):
        Channel(unheard).point("2011-W49-bbbbbbbb", "bob", NOW)
    assert Channel(lake).read().release == "2011-W48-aaaaaaaa"


def test_a_release_that_the_lake_does_not_hold_is_never_pointed_to(lake: Lake) -> None:
    with pytest.raises(ReleaseError, match="has no release 2011-W50-cccccccc"):
        Channel(lake).point("2011-W50-cccccccc", "ann", NOW)
    assert Channel(lake).read() is None


def test_a_pointer_that_is_no_pointer_is_named(lake: Lake) -> None:
    lake.swap("channels/production.json", None, b"{]")
    with pytest.raises(LakeError, match="not a channel pointer"):
        Channel(lake).read()


def test_of_sixteen_promotions_at_once_one_wins_and_the_others_name_it(lake_url: str) -> None:
    releases = [f"2011-W49-{number:08x}" for number in range(17)]
    for release in releases:
        Lake(lake_url).write_new(f"releases/{release}/manifest.json", b"{}")
    Channel(Lake(lake_url)).point(releases[16], "ann", NOW)
    start = Barrier(16)

    def promote(number: int) -> str:
        channel = Channel(Lake(lake_url))
        seen = channel.see()
        start.wait(30)
        try:
            channel.point(releases[number], f"person {number}", NOW, seen)
        except ChannelConflict as conflict:
            return conflict.message
        return "won"

    with ThreadPoolExecutor(16) as pool:
        outcomes = list(pool.map(promote, range(16)))
    winner = outcomes.index("won")
    pointer = Channel(Lake(lake_url)).read()
    assert (pointer.release, pointer.previous) == (releases[winner], releases[16])
    name = f"to {releases[winner]} by person {winner} at"
    assert [name in outcome for outcome in outcomes].count(True) == 15


def test_no_update_is_lost_when_losers_try_again(lake_url: str) -> None:
    releases = [f"2011-W49-{number:08x}" for number in range(16)]
    for release in releases:
        Lake(lake_url).write_new(f"releases/{release}/manifest.json", b"{}")

    def insist(release: str) -> Pointer:
        while True:
            try:
                return Channel(Lake(lake_url)).point(release, "ann", NOW)
            except ChannelConflict:
                continue

    with ThreadPoolExecutor(16) as pool:
        chain = {pointer.release: pointer.previous for pointer in pool.map(insist, releases)}
    at, walked = Channel(Lake(lake_url)).read().release, []
    while at:
        walked.append(at)
        at = chain[at]
    assert sorted(walked) == releases, "each promotion replaced the one before it"


def test_what_a_killed_writer_left_is_no_channel(tmp_path: Path) -> None:
    (tmp_path / "channels").mkdir()
    (tmp_path / "channels" / ".tmp1234").write_bytes(b"{")
    lake = Lake(str(tmp_path))
    lake.write_new("releases/2011-W48-aaaaaaaa/manifest.json", b"{}")
    Channel(lake, "staging").point("2011-W48-aaaaaaaa", "ann", NOW)
    assert channels(lake) == ["staging"] and pointed(lake) == {"2011-W48-aaaaaaaa"}
