"""Work side by side gives what a loop gives."""

import threading
import time
from collections.abc import Iterator

import polars as pl
import pytest

from pricewright.ingest.side_by_side import side_by_side


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
