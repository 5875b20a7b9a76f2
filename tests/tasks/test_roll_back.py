"""The way back: fast, to a release that loads, and never to one that does not."""

import time
from pathlib import Path

import pytest

from blocks.channel import Channel
from blocks.lake import Lake
from pricewright.core.errors import ChannelConflict, ReleaseError
from tasks import promote
from tasks.progress import untold
from tasks.releases import roll_back_release
from tests.tasks.promotable import fill


@pytest.fixture
def shop(tmp_path: Path, lake_url: str) -> tuple[Lake, list[str]]:
    """A lake in which three releases were promoted one after the other."""
    levels = (0.0, 0.25, 0.5)
    return Lake(lake_url), [str(promote.work(fill(tmp_path, lake_url, level), untold)["release"]) for level in levels]


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
