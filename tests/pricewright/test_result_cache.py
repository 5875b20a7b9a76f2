"""What a shelf gives is what was put there; what it does not read again is what nobody wrote to."""

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from pricewright.result_cache import STAMP, ResultCache, side_by_side


def put(result_cache: ResultCache) -> Path:
    def write(folder: Path) -> dict[str, int]:
        (folder / "part").write_bytes(b"as it was")
        return {"rows": 3}

    return result_cache.put("key", write).folder / "part"


def test_a_result_is_found_by_another_process_with_what_is_known_of_it(tmp_path: Path) -> None:
    file = put(ResultCache(tmp_path))
    found = ResultCache(tmp_path).find("key")
    assert found and found.index == {"rows": 3} and (found.folder / "part") == file


@pytest.mark.parametrize("content", [b"otherwise", b"longer than it was", b""])
def test_a_file_that_was_written_to_is_noticed_though_it_has_its_size(tmp_path: Path, content: bytes) -> None:
    put(ResultCache(tmp_path)).write_bytes(content)
    assert ResultCache(tmp_path).find("key") is None


def test_a_file_that_is_gone_is_noticed(tmp_path: Path) -> None:
    put(ResultCache(tmp_path)).unlink()
    assert ResultCache(tmp_path).find("key") is None


def test_a_link_to_a_file_changes_nothing(tmp_path: Path) -> None:
    os.link(put(ResultCache(tmp_path)), tmp_path / "link")
    (tmp_path / "link").unlink()
    stamp = (tmp_path / "key" / STAMP).read_bytes()
    assert ResultCache(tmp_path).find("key") and (tmp_path / "key" / STAMP).read_bytes() == stamp


def test_after_the_machine_started_again_every_file_is_read_once(tmp_path: Path) -> None:
    """A machine that loses its power may have kept a file's size and time and lost its content."""
    boot = tmp_path / "boot"
    boot.write_text("first")
    file = put(ResultCache(tmp_path / "shelf", boot))
    kept = file.stat()
    file.write_bytes(bytes(kept.st_size))
    os.utime(file, ns=(kept.st_atime_ns, kept.st_mtime_ns))
    assert ResultCache(tmp_path / "shelf", boot).find("key"), "this is what a stamp cannot tell"
    boot.write_text("second")
    assert ResultCache(tmp_path / "shelf", boot).find("key") is None


def test_a_torn_stamp_means_that_the_files_are_read(tmp_path: Path) -> None:
    file = put(ResultCache(tmp_path))
    (file.parent / STAMP).write_text("[")
    assert ResultCache(tmp_path).find("key")
    file.write_bytes(b"otherwise")
    (file.parent / STAMP).unlink()
    assert ResultCache(tmp_path).find("key") is None


class Counted:
    """Knows how many pieces were worked on at once."""

    def __init__(self) -> None:
        self.now = self.most = 0
        self._lock = threading.Lock()

    def work(self, piece: int) -> int:
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)
        time.sleep(0.01 * (5 - piece % 5))
        with self._lock:
            self.now -= 1
        if piece == 7:
            raise ValueError("seven")
        return piece * piece


def run(counted: Counted, pieces: list[int], size: int, room: int) -> Iterator[int]:
    return side_by_side(counted.work, pieces, lambda piece: size, room)


def test_results_come_in_the_order_of_their_pieces() -> None:
    counted = Counted()
    assert list(run(counted, [6, 1, 5, 2, 0, 9], 1, 100)) == [36, 1, 25, 4, 0, 81]
    assert counted.most == min(6, pl.thread_pool_size())


def test_pieces_that_fill_the_room_alone_are_alone() -> None:
    counted = Counted()
    assert list(run(counted, [1, 2, 3], 60, 100)) == [1, 4, 9]
    assert list(run(counted, [1, 2, 3], 600, 100)) == [1, 4, 9]
    assert counted.most == 1


def test_an_error_comes_where_its_result_would() -> None:
    found = run(Counted(), [1, 7, *range(10, 60)], 1, 100)
    assert next(found) == 1
    began = time.perf_counter()
    with pytest.raises(ValueError, match="seven"):
        next(found)
    assert time.perf_counter() - began < 0.5, "what was not begun is not done"


def test_nothing_to_do_is_done() -> None:
    assert list(run(Counted(), [], 1, 1)) == []
