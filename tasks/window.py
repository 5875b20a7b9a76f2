"""At most so many tasks at once, on whatever runner the flow has: a task is only handed over when one has ended.

No other limit holds as well: a global one of Prefect keeps the slots of a process that was killed, and a runner's own
is not the same on threads and on a cluster. Outside of a flow run the work is done here, one after the other.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextvars import copy_context
from typing import Any, TypeVar

Argument = TypeVar("Argument")
Result = TypeVar("Result")


def at_most(
    count: int, name: str, work: Callable[[Argument], Result], arguments: Sequence[Argument]
) -> Iterator[Result]:
    """What `work` (a function of a module) makes of each argument, as it comes; `str` of an argument names its task.

    The first error ends it, after those tasks that are already at work.
    """
    from prefect.context import FlowRunContext

    context = FlowRunContext.get()
    if context is None:
        yield from map(work, arguments)
        return
    getattr(context.task_runner, "client", None)  # a cluster starts when first used: before several threads do
    hand_over = _as_task(name, work)
    with ThreadPoolExecutor(count, thread_name_prefix=name) as threads:
        futures = [threads.submit(copy_context().run, hand_over, argument) for argument in arguments]
        try:
            for future in as_completed(futures):
                yield future.result()
        except BaseException:
            threads.shutdown(cancel_futures=True)
            raise


def _as_task(name: str, work: Callable[[Argument], Result]) -> Callable[[Argument], Result]:
    from prefect import task
    from prefect.cache_policies import NO_CACHE

    made: Any = task(name=name, task_run_name=name + " {words}", cache_policy=NO_CACHE, persist_result=False)(_piece)

    def hand_over(argument: Argument) -> Result:
        result: Result = made.submit(str(argument), Piece(work, argument)).result()
        return result

    return hand_over


class Piece:
    """A function and its argument (no dataclass: Prefect would look into one for results to wait for)."""

    def __init__(self, work: Callable[[Any], Any], argument: Any) -> None:
        self.work = work
        self.argument = argument


def _piece(words: str, piece: Piece) -> Any:
    """What a worker does; the words are for the UI."""
    return piece.work(piece.argument)
