"""Retention keeps the newest releases and all that a channel needs, whatever happens at the same time."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from blocks.channel import Channel
from blocks.lake import Blob, Lake
from blocks.lease import ReleaseInUse, held
from pricewright.core.errors import ChannelConflict, ParameterError, ReleaseError
from pricewright.release import write_bundle
from tasks import promote
from tasks.releases import now, promote_release, roll_back_release, verify_release, write_release
from tasks.retention import retain
from tasks.stage import report_nothing
from testing.synthetic_release import contents, fill

GATES = {gate: {"status": "ok", "checks": []} for gate in ("drift", "proof", "fairness")}


@pytest.fixture
def six(tmp_path: Path, lake_url: str) -> list[str]:
    """Releases of six days, the oldest first; no channel serves any."""
    ids = []
    for day in range(6):
        made = contents(level=day / 10, skus=5) | {"gates": GATES, "created": f"2011-12-0{day + 1}T03:00:00Z"}
        manifest = write_bundle(tmp_path / "bundles", **made)
        write_release(Lake(lake_url), tmp_path / "bundles", manifest)
        ids.append(manifest.id)
    return ids


def there(lake: Lake) -> set[str]:
    return {key.split("/")[1] for key in lake.list("releases")}


def test_the_newest_stay_and_what_every_channel_serves_and_served_before(lake_url: str, six: list[str]) -> None:
    lake = Lake(lake_url)
    for release in (six[0], six[1]):
        Channel(lake, "staging").point(release, "ann", now())
    assert retain(lake, 2, "eve", now) == [six[3], six[2]]
    assert there(lake) == {six[0], six[1], six[4], six[5]}
    assert retain(lake, 2, "eve", now) == []
    for release in there(lake):
        verify_release(lake, release)


def test_the_reports_of_a_release_go_with_it(lake_url: str, six: list[str]) -> None:
    lake = Lake(lake_url)
    for release in six:
        lake.write_new(f"reports/{release}/drift.html", b"<html></html>")
    retain(lake, 2, "eve", now)
    assert sorted(lake.list("reports")) == [f"reports/{release}/drift.html" for release in sorted(six[4:])]


def test_at_least_one_release_is_kept(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="keep_releases is 0"):
        retain(Lake(str(tmp_path)), 0, "eve", now)


def test_a_release_whose_manifest_cannot_be_read_is_left_alone(lake_url: str, six: list[str]) -> None:
    lake = Lake(lake_url)
    key = f"releases/{six[0]}/manifest.json"
    lake.swap(key, lake.read(key), b'{"written by": "a newer version"}')
    retain(lake, 1, "eve", now)
    assert there(lake) == {six[0], six[5]}


def test_what_a_killed_upload_left_goes_but_an_upload_at_work_is_not_touched(lake_url: str, six: list[str]) -> None:
    lake, rest, fresh = Lake(lake_url), "2011-W47-00000000", "2011-W49-00000000"
    for release in (rest, fresh):
        lake.write_new(f"releases/{release}/network.onnx", b"1")
    with held(lake, fresh, "ann", now):
        assert retain(lake, 6, "eve", now) == [rest]
        assert fresh in there(lake)
    assert retain(lake, 6, "eve", now) == [fresh]


def test_retention_at_any_moment_of_a_promotion_leaves_its_release(lake_url: str, six: list[str]) -> None:
    """Retention comes each time that the promotion has asked the lake for something, once it holds its release."""

    class Disturbed(Lake):
        def find(self, key: str) -> Blob | None:
            found = super().find(key)
            self._retain(key)
            return found

        def swap(self, key: str, expected: Blob | None, body: bytes) -> None:
            super().swap(key, expected, body)
            self._retain(key)

        def _retain(self, key: str) -> None:
            if not key.startswith("holds/") and self.list("holds") != idle:
                retain(Lake(lake_url), 1, "eve", now)

    idle = Lake(lake_url).list("holds")
    pointer = promote_release(Disturbed(lake_url), six[0], "production", 1)
    assert there(Lake(lake_url)) == {six[0], six[5]}
    verify_release(Lake(lake_url), pointer.release)


def test_a_promotion_that_ends_just_before_a_release_is_condemned_saves_it(lake_url: str, six: list[str]) -> None:
    class Late(Lake):
        """Between looking at the channels and condemning, retention is overtaken."""

        def swap(self, key: str, expected: Blob | None, body: bytes) -> None:
            if key == f"holds/{six[0]}.json" and Channel(Lake(lake_url)).read() is None:
                promote_release(Lake(lake_url), six[0], "production", 1)
            super().swap(key, expected, body)

    assert six[0] not in retain(Late(lake_url), 1, "eve", now)
    verify_release(Lake(lake_url), Channel(Lake(lake_url)).read().release)


def test_a_release_that_went_before_it_was_promoted_is_not_served(lake_url: str, six: list[str]) -> None:
    lake = Lake(lake_url)
    retain(lake, 1, "eve", now)
    with pytest.raises(ReleaseError, match=f"has no release {six[0]}"):
        promote_release(lake, six[0], "production", 1)
    assert Channel(lake).read() is None


def test_promotions_and_retention_at_once_never_leave_a_channel_without_its_release(
    lake_url: str, six: list[str]
) -> None:
    start = Barrier(9)

    def promote(number: int) -> str:
        start.wait(30)
        try:
            promote_release(Lake(lake_url), six[number], f"channel-{number}", 1)
        except (ReleaseInUse, ReleaseError) as error:
            return str(error)
        return "promoted"

    def remove(_: int) -> str:
        start.wait(30)
        retain(Lake(lake_url), 1, "eve", now)
        return "retained"

    with ThreadPoolExecutor(9) as pool:
        outcomes = list(pool.map(lambda who: promote(who) if who < 6 else remove(who), range(9)))
    lake = Lake(lake_url)
    for number in range(6):
        pointer = Channel(lake, f"channel-{number}").read()
        assert (pointer is not None) == (outcomes[number] == "promoted"), outcomes
        if pointer:
            verify_release(lake, pointer.release)


@pytest.fixture
def shop(tmp_path: Path, lake_url: str) -> tuple[Lake, list[str]]:
    """A lake in which three releases were promoted one after the other."""
    levels = (0.0, 0.25, 0.5)
    return Lake(lake_url), [
        str(promote.work(fill(tmp_path, lake_url, level), report_nothing)["release"]) for level in levels
    ]


def test_a_roll_back_serves_the_release_before_within_a_second_and_can_be_undone(shop: tuple[Lake, list[str]]) -> None:
    lake, (_, old, new) = shop
    started = time.perf_counter()
    pointer = roll_back_release(lake, "production", by="ann")
    assert time.perf_counter() - started < 1
    assert (pointer.release, pointer.previous, pointer.promoted_by) == (old, new, "ann")
    assert roll_back_release(lake, "production").release == new


def test_a_roll_back_goes_as_far_as_one_says(shop: tuple[Lake, list[str]]) -> None:
    lake, (oldest, _, new) = shop
    assert roll_back_release(lake, "production", oldest).previous == new


@pytest.mark.parametrize("file", ["svr.onnx", "network.onnx"])
def test_a_release_that_is_not_whole_or_does_not_load_is_not_rolled_back_to(
    shop: tuple[Lake, list[str]], file: str
) -> None:
    lake, (_, old, new) = shop
    key = f"releases/{old}/{file}"
    body = lake.read(key).body
    lake.swap(key, lake.read(key), b"?" + body[1:] if file == "network.onnx" else body[1:])
    with pytest.raises(ReleaseError, match=file.removesuffix(".onnx")):
        roll_back_release(lake, "production")
    assert Channel(lake).read().release == new


def test_without_a_release_before_it_says_what_can_be_named(lake_url: str) -> None:
    with pytest.raises(ReleaseError, match="no previous release"):
        roll_back_release(Lake(lake_url), "production")


def test_a_roll_back_that_somebody_forestalls_says_who(shop: tuple[Lake, list[str]], lake_url: str) -> None:
    lake, (oldest, _, _) = shop

    class Slow(Lake):
        """While it reads the release, somebody else rolls back."""

        def list(self, prefix: str) -> dict[str, int]:
            roll_back_release(lake, "production", oldest, by="bob")
            return super().list(prefix)

    with pytest.raises(ChannelConflict, match=f"to {oldest} by bob"):
        roll_back_release(Slow(lake_url), "production")


def test_a_promotion_that_somebody_forestalls_changes_nothing_and_says_who(lake_url: str, six: list[str]) -> None:
    lake = Lake(lake_url)
    Channel(lake).point(six[0], "ann", now())

    class Slow(Lake):
        """While it reads the release, somebody else promotes."""

        moved = False

        def list(self, prefix: str) -> dict[str, int]:
            if not self.moved:
                self.moved = True
                promote_release(lake, six[1], "production", 1, by="bob")
            return super().list(prefix)

    with pytest.raises(ChannelConflict, match=f"to {six[1]} by bob"):
        promote_release(Slow(lake_url), six[2], "production", 1)
    assert Channel(lake).read().release == six[1]
