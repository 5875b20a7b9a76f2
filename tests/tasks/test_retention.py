"""What goes from the lake is needed by nobody: not by a warm function, a suspended promotion or a lock."""

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from blocks.channel import Channel
from blocks.lake import Blob, Lake
from blocks.lease import REMOVAL
from pricewright.core.errors import ReleaseError
from pricewright.release import write_bundle
from tasks.lock import object_key, publish_lock
from tasks.releases import promote_release, verify_release, write_release
from tasks.retention import collect, retain
from testing.racing import GATES, sixteen
from testing.synthetic_release import contents

NOW = datetime(2011, 12, 12, 6, 30, tzinfo=UTC)


class Clock:
    """The present, which the test moves."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def manifests(lake: Lake) -> set[str]:
    return {key.split("/")[1] for key in lake.list("releases") if key.endswith("manifest.json")}


@pytest.fixture
def many(lake_url: str, tmp_path: Path) -> list[str]:
    made = []
    for number in range(5):
        manifest = write_bundle(tmp_path, **contents(level=number / 10, skus=5) | {"gates": GATES})
        write_release(Lake(lake_url), tmp_path, manifest)
        made.append(manifest.id)
    return sorted(made)


def test_what_a_warm_function_still_answers_from_stays_for_an_hour(lake_url: str, many: list[str]) -> None:
    lake, clock = Lake(lake_url), Clock()
    for release in many:
        Channel(lake).point(release, "ann", clock())
        clock.now += timedelta(seconds=20)
    retain(lake, 1, "eve", clock)
    assert set(many) <= manifests(lake)
    clock.now += timedelta(hours=1)
    retain(lake, 1, "eve", clock)
    assert many[-1] in manifests(lake) and many[-2] in manifests(lake) and many[0] not in manifests(lake)


@pytest.mark.parametrize("served_before", [False, True])
def test_a_promotion_that_slept_while_its_release_went_leaves_the_channel_as_it_was(
    lake_url: str, many: list[str], served_before: bool
) -> None:
    """It wakes up between its last look and the swap, hours later."""

    slept: list[bool] = []

    class Sleepy(Lake):
        def swap(self, key: str, expected: Blob | None, body: bytes) -> None:
            if key.startswith("channels/") and not slept:
                slept.append(True)
                late = Clock()
                late.now = datetime.now(UTC) + timedelta(hours=2)
                assert release in retain(Lake(lake_url), 1, "eve", late)
            super().swap(key, expected, body)

    lake, release = Lake(lake_url), many[0]  # all are of one day: the first by name is the oldest
    if served_before:
        Channel(lake).point(many[4], "ann", NOW)
    before = Channel(lake).see()
    with pytest.raises(ReleaseError, match="was removed while it was promoted"):
        promote_release(Sleepy(lake_url), release, "production", 1)
    after = Channel(lake).see()
    assert (after.pointer, after.blob and after.blob.body) == (before.pointer, before.blob and before.blob.body)


def test_a_retention_that_slept_while_its_release_was_promoted_puts_it_back(lake_url: str, many: list[str]) -> None:
    class Sleepy(Lake):
        def remove(self, *keys: str) -> None:
            if keys == (f"releases/{many[0]}/manifest.json",):
                Lake(lake_url).remove(f"holds/{many[0]}.json")  # its mark ran out
                promote_release(Lake(lake_url), many[0], "production", 1)
            super().remove(*keys)

    assert many[0] not in retain(Sleepy(lake_url), 1, "eve", lambda: datetime.now(UTC))
    pointer = Channel(Lake(lake_url)).read()
    assert pointer is not None and pointer.release == many[0]
    verify_release(Lake(lake_url), many[0])


def test_a_retention_whose_mark_ran_out_before_it_acted_removes_nothing(lake_url: str, many: list[str]) -> None:
    clock = Clock()

    class Slow(Lake):
        def update(self, key: str, change: Callable[[bytes | None], bytes | None]) -> bytes | None:
            done = super().update(key, change)
            clock.now += REMOVAL  # from here on a promotion may hold the release again
            return done

    assert retain(Slow(lake_url), 1, "eve", clock) == []
    assert manifests(Lake(lake_url)) == set(many)


def test_of_a_removed_release_nothing_is_left_not_even_who_removed_it(lake_url: str, many: list[str]) -> None:
    lake = Lake(lake_url)
    assert sorted(retain(lake, 1, "eve", Clock())) == many[:-1]
    assert {key.split("/")[1] for key in lake.list("releases")} == {many[-1]}
    assert not lake.list("holds")


def test_a_release_is_none_any_more_before_its_files_go(lake_url: str, many: list[str]) -> None:
    lost = []

    class Watched(Lake):
        def remove_below(self, place: str) -> None:
            lost.append(place.rpartition("/")[2])
            assert lost[-1] not in manifests(Lake(lake_url)), "it looks whole, and what it lists is going"
            super().remove_below(place)

    retain(Watched(lake_url), 1, "eve", Clock())
    assert set(lost) == set(many[:-1])


def test_files_and_folders_are_on_the_disk_before_the_pointer_and_the_pointer_before_it_is_believed(
    tmp_path: Path,
) -> None:
    store, synced = tmp_path / "lake", []

    def sync(handle: int) -> None:
        synced.append(Path(os.readlink(f"/proc/self/fd/{handle}")))
        os.fsync(handle)

    release, _ = sixteen(str(store), tmp_path)
    promote_release(Lake(str(store), sync=sync), release, "production", 1)
    folder, channel = store / "releases" / release, store / "channels"
    moved = next(i for i, path in enumerate(synced) if path.parent == channel)
    assert {*folder.iterdir(), folder, folder.parent, store} <= set(synced[:moved])
    assert channel in synced[moved + 1 :], "the folder, which has the pointer's new name"


def put(lake: Lake, body: bytes, listing: bool = False) -> str:
    """Content in the lake under its MD5, as DVC puts it there."""
    import hashlib

    md5 = hashlib.md5(body, usedforsecurity=False).hexdigest() + (".dir" if listing else "")
    lake.write_new(object_key(md5), body)
    return md5


def lineage(lake: Lake, week: str, content: str) -> set[str]:
    """A lock that names a file, and a folder of one file; the hashes of all of it."""
    file, inside = put(lake, content.encode()), put(lake, f"inside {content}".encode())
    folder = put(lake, json.dumps([{"relpath": "part.parquet", "md5": inside}]).encode(), listing=True)
    outs: list[dict[str, Any]] = [{"path": "work/a", "md5": file}, {"path": "work/panel", "md5": folder}]
    publish_lock(lake, week, {"feature": {"outs": outs}})
    return {file, inside, folder}


def kept(lake: Lake) -> set[str]:
    return {key.removeprefix("dvc/files/md5/").replace("/", "") for key in lake.list("dvc")}


def test_what_no_lock_names_goes_after_a_week_and_not_before(lake_url: str) -> None:
    lake, present = Lake(lake_url), datetime.now(UTC)
    named = lineage(lake, "2011-W48", "named")
    unnamed = {put(lake, b"superseded")}
    assert collect(lake, 3, present) == 0 and kept(lake) == named | unnamed
    assert collect(lake, 3, present + timedelta(days=8)) == 1
    assert kept(lake) == named


def test_the_lock_of_a_week_goes_with_its_last_release_but_the_newest_stay(lake_url: str) -> None:
    lake, later = Lake(lake_url), datetime.now(UTC) + timedelta(days=8)
    made = {week: lineage(lake, week, week) for week in ("2011-W40", "2011-W41", "2011-W48", "2011-W49")}
    lake.write_new("releases/2011-W41-00000000/manifest.json", b"{}")
    collect(lake, 2, later)
    assert sorted(key.split("/")[1] for key in lake.list("lineage")) == ["2011-W41", "2011-W48", "2011-W49"]
    assert kept(lake) == made["2011-W41"] | made["2011-W48"] | made["2011-W49"]


@pytest.mark.parametrize("damage", ["lock", "listing"])
def test_nothing_goes_where_one_cannot_read_what_is_named(lake_url: str, damage: str) -> None:
    lake, later = Lake(lake_url), datetime.now(UTC) + timedelta(days=8)
    named = lineage(lake, "2011-W48", "named")
    put(lake, b"superseded")
    (listing,) = (md5 for md5 in named if md5.endswith(".dir"))
    key = "lineage/2011-W48/dvc.lock" if damage == "lock" else object_key(listing)
    lake.swap(key, lake.read(key), b"{[")
    before = kept(lake)
    assert collect(lake, 1, later) == 0 and kept(lake) == before
