"""The lake behaves alike on a folder and on S3."""

import resource
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from blocks.lake import Lake
from pricewright.core.errors import ChannelConflict, LakeError

POINTER = "channels/production.json"


def test_an_object_that_is_not_there_is_none(lake_url: str) -> None:
    assert Lake(lake_url).find("releases/none/manifest.json") is None


def test_reading_what_is_not_there_says_the_key(lake_url: str) -> None:
    with pytest.raises(LakeError, match=r"has no channels/production\.json"):
        Lake(lake_url).read(POINTER)


def test_what_is_written_is_read_back_and_listed(lake_url: str) -> None:
    lake = Lake(lake_url)
    lake.write_new("raw/week=2011-W49/part.parquet", b"rows")
    assert lake.read("raw/week=2011-W49/part.parquet").body == b"rows"
    assert lake.list("raw") == {"raw/week=2011-W49/part.parquet": 4}


def test_an_object_never_changes_once_written(lake_url: str) -> None:
    lake = Lake(lake_url)
    lake.write_new("releases/a/manifest.json", b"one")
    lake.write_new("releases/a/manifest.json", b"one")
    with pytest.raises(LakeError, match="never changes"):
        lake.write_new("releases/a/manifest.json", b"two")


def test_a_swap_needs_the_version_that_was_read(lake_url: str) -> None:
    lake = Lake(lake_url)
    lake.swap(POINTER, None, b"first")
    seen = lake.read(POINTER)
    lake.swap(POINTER, seen, b"second")
    with pytest.raises(ChannelConflict, match="another writer"):
        lake.swap(POINTER, seen, b"third")
    with pytest.raises(ChannelConflict):
        lake.swap(POINTER, None, b"third")
    assert lake.read(POINTER).body == b"second"


@pytest.mark.parametrize("there", [False, True])
def test_of_sixteen_racing_swaps_one_wins(lake_url: str, there: bool) -> None:
    if there:
        Lake(lake_url).swap(POINTER, None, b"old")
    seen = Lake(lake_url).find(POINTER)

    def race(number: int) -> bool:
        try:
            Lake(lake_url).swap(POINTER, seen, f"release {number}".encode())
        except ChannelConflict:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        won = list(pool.map(race, range(16)))
    assert won.count(True) == 1
    assert Lake(lake_url).read(POINTER).body == f"release {won.index(True)}".encode()


def test_a_full_disk_refuses_a_swap_and_leaves_what_was_there(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path))
    lake.swap(POINTER, None, b"first")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4, hard))  # stands for a disk with 4 bytes left
    try:
        with pytest.raises(LakeError, match="refuses"):
            lake.swap(POINTER, lake.read(POINTER), b"second")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert lake.read(POINTER).body == b"first"
    assert [path.name for path in (tmp_path / "channels").iterdir()] == ["production.json"]


def test_a_folder_is_mirrored_and_only_what_differs_is_uploaded(lake_url: str, tmp_path: Path) -> None:
    folder = tmp_path / "panel"
    for week in ("W01", "W02", "W03"):
        (folder / f"week={week}").mkdir(parents=True)
        (folder / f"week={week}" / "part.parquet").write_bytes(week.encode())
    lake = Lake(lake_url)
    assert lake.publish_folder("panel", folder) == 3
    assert lake.publish_folder("panel", folder) == 0
    (folder / "week=W02" / "part.parquet").write_bytes(b"new")
    (folder / "week=W01" / "part.parquet").unlink()
    assert lake.publish_folder("panel", folder) == 1
    assert lake.list("panel") == {"panel/week=W02/part.parquet": 3, "panel/week=W03/part.parquet": 3}


def test_a_removed_folder_is_gone_and_its_neighbour_is_not(lake_url: str) -> None:
    lake = Lake(lake_url)
    for key in ("releases/a/one", "releases/a/two", "releases/ab/one"):
        lake.write_new(key, b"1")
    lake.remove_below("releases/a")
    lake.remove_below("releases/none")
    assert list(lake.list("releases")) == ["releases/ab/one"]
    if "://" not in lake_url:
        assert [path.name for path in (Path(lake_url) / "releases").iterdir()] == ["ab"]


def test_a_local_lake_holds_nothing_but_what_was_written(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path / "lake"))
    lake.swap(POINTER, None, b"{}")
    lake.swap(POINTER, lake.read(POINTER), b"[]")
    assert [path.name for path in (tmp_path / "lake").rglob("*") if path.is_file()] == ["production.json"]


def test_looking_into_a_lake_that_is_not_there_creates_nothing(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path / "lake"))
    assert lake.find(POINTER) is None
    assert lake.list("raw") == {}
    assert not (tmp_path / "lake").exists()


def test_a_lake_out_of_reach_is_one_clear_error(free_port, s3_environment: dict[str, str]) -> None:
    lake = Lake("s3://shop/lake", s3_environment | {"PRICEWRIGHT_S3_ENDPOINT": f"http://127.0.0.1:{free_port()}"})
    with pytest.raises(LakeError, match="the lake s3://shop/lake refuses"):
        lake.find(POINTER)
