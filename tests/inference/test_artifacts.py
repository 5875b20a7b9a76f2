"""The files of a release are read at the same time, once each, and never used unchecked."""

import time
from pathlib import Path

import pytest

from demand.errors import ReleaseError
from inference.artifacts import AHEAD, open_artifacts
from inference.handler import make_app
from inference.settings import Settings
from inference.store import FolderStore
from tests.synthetic_shop import Shop


class SlowStore(FolderStore):
    """A folder as far away as a bucket; remembers what was read."""

    far = True

    def __init__(self, folder: Path, seconds: float) -> None:
        super().__init__(folder)
        self._seconds = seconds
        self.seen: list[str] = []

    def read(self, key: str) -> bytes:
        self.seen.append(key.rsplit("/", 1)[-1])
        time.sleep(self._seconds)
        return super().read(key)


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
