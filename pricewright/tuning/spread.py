"""Where the trials of a batch are made: one after the other (`map`), on threads, or wherever the caller takes them."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Protocol, TypeVar

Argument = TypeVar("Argument")
Result = TypeVar("Result")


class Spread(Protocol):
    """Calls a function on each argument, as the builtin `map` does: results come in the order of the arguments.

    The function and the arguments may be pickled and sent to another process.
    """

    def __call__(
        self, function: Callable[[Argument], Result], arguments: Iterable[Argument], /
    ) -> Iterable[Result]: ...


@contextmanager
def on_threads(workers: int) -> Iterator[Spread]:
    """A Spread over so many threads of this process; what they have not begun when the context ends is dropped."""
    pool = ThreadPoolExecutor(workers, thread_name_prefix="trial")
    try:
        yield pool.map
    finally:
        pool.shutdown(cancel_futures=True)
