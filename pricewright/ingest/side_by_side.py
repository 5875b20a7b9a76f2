"""Pieces of work side by side, as many as memory has room for: Polars lets go of Python's lock while it computes."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import polars as pl

Piece = TypeVar("Piece")
Result = TypeVar("Result")


def side_by_side(
    work: Callable[[Piece], Result],
    pieces: Sequence[Piece],
    size: Callable[[Piece], int] = lambda piece: 1,
    room: int = 4,
) -> Iterator[Result]:
    """The result of each piece, in order; an error comes where its piece's result would, and the rest is given up.

    So many are worked on at once that together they are not larger than `room`, were each as large as the largest;
    one always is, and never more than Polars has threads.
    """
    largest = max([1, *map(size, pieces)])
    with ThreadPoolExecutor(max(1, min(pl.thread_pool_size(), room // largest))) as pool:
        yield from pool.map(work, pieces)
