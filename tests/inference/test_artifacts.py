"""The files of a release are read at the same time, once each, and never used unchecked."""

import json
import shutil
import time
from pathlib import Path
from typing import Any

import boto3
import pytest

from bench.grown import FIRST, grow
from inference.artifacts import AHEAD, open_artifacts
from inference.handler import App, make_app
from inference.settings import Settings
from inference.store import FolderStore
from pricewright.core.arrays import unpack
from pricewright.core.errors import ReleaseError
from testing.synthetic_release import write_release
from tests.synthetic_shop import Clock, Shop

SKUS = 30_000  # 9 MB of history, 7 MB of catalog


class SlowStore(FolderStore):
    """A folder as far away as a bucket; remembers what was read."""

    far = True

    def __init__(self, folder: Path, seconds: float) -> None:
        super().__init__(folder)
        self._seconds = seconds
        self.seen: list[str] = []

    def read(self, key: str, most: int) -> bytes:
        self.seen.append(key.rsplit("/", 1)[-1])
        time.sleep(self._seconds)
        return super().read(key, most)


def test_a_cold_start_waits_for_the_pointer_and_then_once_for_all_files(shop: Shop) -> None:
    store = SlowStore(shop.folder, 0.4)
    api = make_app(Settings(store="elsewhere"), store, clock=shop.clock, log=shop.log.append)
    started = time.monotonic()
    assert api({"stock_code": "20007"})["model"] == "network"
    assert time.monotonic() - started < 1.3  # four in a row would take 1.6
    assert sorted(store.seen) == sorted(["production.json", "manifest.json", *AHEAD])


@pytest.mark.parametrize("name", AHEAD)
def test_what_was_read_ahead_is_checked_and_read_again_when_it_was_wrong(shop: Shop, name: str) -> None:
    release = shop.write()
    path = shop.folder / "releases" / release / name
    body = path.read_bytes()
    path.write_bytes(body[:-1])
    artifacts = open_artifacts(FolderStore(shop.folder), f"releases/{release}/", "lake", release)
    with pytest.raises(ReleaseError, match="its manifest says"):
        artifacts.read(name)
    path.write_bytes(body)
    assert artifacts.read(name) == body


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake whose catalog is so large that it is checked block by block."""
    folder = tmp_path_factory.mktemp("large")
    release = folder / "small" / write_release(folder / "small").id
    return grow(release, SKUS, folder / "lake")


@pytest.fixture
def lake(large: Path, tmp_path: Path) -> Path:
    """A copy of it that a test may damage."""
    return Path(shutil.copytree(large, tmp_path / "lake"))


def damage(lake: Path, sku: str) -> None:
    """Change one number that only this SKU and its neighbours need."""
    (path,) = lake.glob("releases/*/catalog.npz")
    body = bytearray(path.read_bytes())
    features = unpack(bytes(body), "catalog.npz")["features"]
    offset = body.index(features.tobytes()) + features[0].nbytes * (int(sku) - int(FIRST))
    body[offset] ^= 1
    path.write_bytes(body)


def api_over(lake: Path, log: list[str], **settings: Any) -> App:
    return make_app(Settings(store=str(lake), **settings), clock=Clock(), log=log.append)


MIDDLE = str(int(FIRST) + SKUS // 2)  # its block holds nothing that others need


def test_a_large_catalog_is_read_where_it_is_needed(lake: Path, large: Path) -> None:
    damage(lake, MIDDLE)
    api = api_over(lake, [])
    whole = api_over(large, [])
    answer = api({"stock_code": FIRST})
    assert answer["model"] == "network" and answer == whole({"stock_code": FIRST})
    assert len(api({"httpMethod": "GET", "path": f"/v1/sales/{FIRST}"})["body"]) > 100


def test_a_damaged_part_is_found_when_it_is_needed_and_the_image_answers(lake: Path, large: Path) -> None:
    damage(lake, MIDDLE)
    (baked,) = (large / "releases").iterdir()
    log: list[str] = []
    api = api_over(lake, log, baked_release=str(baked))
    assert api({"stock_code": FIRST})["release_source"] == "lake"
    answer = api({"stock_code": MIDDLE})
    assert (answer["model"], answer["release_source"], answer["fallbacks"]) == ("network", "image", [])
    assert "is not what its manifest says" in answer["release_trouble"]
    assert json.loads(log[-1])["ReleaseTrouble"] == 1


def test_without_another_release_the_damaged_sku_is_a_503_and_the_others_are_priced(lake: Path) -> None:
    damage(lake, MIDDLE)
    api = api_over(lake, [])
    problem = api({"stock_code": MIDDLE})
    assert problem["status"] == 503 and "is not what its manifest says" in problem["detail"]
    assert api({"stock_code": FIRST})["model"] == "network"


def test_a_large_release_that_takes_over_is_checked_as_a_whole_before(lake: Path, large: Path) -> None:
    (release,) = (lake / "releases").iterdir()
    damage(lake, MIDDLE)
    second = write_release(lake / "releases", level=0.5)
    pointer = lake / "channels" / "production.json"
    clock = Clock()
    pointer.write_text(json.dumps({"release": second.id}))
    api = make_app(Settings(store=str(lake)), clock=clock, log=lambda _: None)
    assert api({"stock_code": "20007"})["release"] == second.id
    pointer.write_text(json.dumps({"release": release.name}))
    clock.seconds += 31
    answer = api({"stock_code": "20007"})
    assert answer["release"] == second.id and "is not what its manifest says" in answer["release_trouble"]
    shutil.copy(next(large.glob("releases/*/catalog.npz")), release / "catalog.npz")
    clock.seconds += 31
    assert api({"stock_code": FIRST})["release"] == release.name


def test_a_large_history_is_read_by_parts_from_a_bucket_too(lake: Path, s3_url: str, s3_endpoint: str) -> None:
    name, prefix = s3_url.removeprefix("s3://").split("/", 1)
    client = boto3.client("s3", endpoint_url=s3_endpoint, region_name="eu-west-1")
    for path in lake.rglob("*.*"):
        client.put_object(Bucket=name, Key=f"{prefix}/{path.relative_to(lake).as_posix()}", Body=path.read_bytes())
    api = make_app(Settings(store=s3_url, s3_endpoint=s3_endpoint, region="eu-west-1"), log=lambda _: None)
    answer = api({"httpMethod": "GET", "path": f"/v1/sales/{MIDDLE}"})
    assert json.loads(answer["body"])["week"][0] == "2011-09-05"
    assert api({"stock_code": FIRST})["optimal_price"] == api_over(lake, [])({"stock_code": FIRST})["optimal_price"]
