"""A channel points to one release of the lake, and moves by compare-and-swap."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from blocks.channel import Channel
from blocks.lake import Lake
from demand.errors import ChannelConflict, LakeError, ReleaseError

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
    Channel(lake).point("2011-W49-bbbbbbbb", "ann", NOW)
    assert json.loads(lake.read("channels/production.json").body) == {
        "release": "2011-W49-bbbbbbbb",
        "previous": "2011-W48-aaaaaaaa",
        "promoted_at": "2011-12-12T06:30:00Z",
        "promoted_by": "ann",
    }


def test_promoting_what_is_served_changes_nothing(lake: Lake) -> None:
    first = Channel(lake).point("2011-W48-aaaaaaaa", "ann", NOW)
    assert Channel(lake).point("2011-W48-aaaaaaaa", "bob", NOW.replace(year=2012)) == first


def test_a_roll_back_serves_the_previous_release_and_can_itself_be_undone(lake: Lake) -> None:
    channel = Channel(lake)
    channel.point("2011-W48-aaaaaaaa", "ann", NOW)
    channel.point("2011-W49-bbbbbbbb", "ann", NOW)
    assert channel.roll_back("bob", NOW).release == "2011-W48-aaaaaaaa"
    assert channel.roll_back("bob", NOW).release == "2011-W49-bbbbbbbb"
    assert channel.roll_back("bob", NOW, "2011-W48-aaaaaaaa").promoted_by == "bob"


def test_without_a_previous_release_there_is_no_way_back(lake: Lake) -> None:
    Channel(lake).point("2011-W48-aaaaaaaa", "ann", NOW)
    with pytest.raises(ReleaseError, match="no previous release"):
        Channel(lake).roll_back("bob", NOW)


def test_a_release_that_the_lake_does_not_hold_is_never_pointed_to(lake: Lake) -> None:
    with pytest.raises(ReleaseError, match="has no release 2011-W50-cccccccc"):
        Channel(lake).point("2011-W50-cccccccc", "ann", NOW)
    assert Channel(lake).read() is None


def test_a_pointer_that_is_no_pointer_is_named(lake: Lake) -> None:
    lake.swap("channels/production.json", None, b"{]")
    with pytest.raises(LakeError, match="no channel pointer"):
        Channel(lake).read()


def test_of_racing_promotions_the_pointer_is_one_of_them_and_losers_say_so(lake: Lake) -> None:
    def promote(number: int) -> bool:
        try:
            Channel(lake).point(("2011-W48-aaaaaaaa", "2011-W49-bbbbbbbb")[number % 2], f"person {number}", NOW)
        except ChannelConflict as conflict:
            assert "another writer" in str(conflict)
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        assert any(pool.map(promote, range(16)))
    pointer = Channel(lake).read()
    assert pointer is not None and pointer.release in ("2011-W48-aaaaaaaa", "2011-W49-bbbbbbbb")
