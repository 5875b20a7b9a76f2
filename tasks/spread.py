"""Where a stage has its many small pieces done: on threads here, or as tasks on the runner of the flow.

A piece is a function and one argument, both picklable; `str` of the argument is the name of its task in the UI.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from pricewright.tuning import Spread, on_threads

Argument = TypeVar("Argument")
Result = TypeVar("Result")


def here() -> AbstractContextManager[Spread]:
    """Threads of this process, one per core."""
    return on_threads(cores())


def cores() -> int:
    """The cores that this process may use, which containers limit."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def on_runner() -> Iterator[Spread]:
    """Tasks of the flow run that is under way, on whatever runner it has: threads, or the workers of a cluster."""
    from prefect.context import FlowRunContext

    context = FlowRunContext.get()
    if context is not None:
        # A cluster starts when it is first used: once, before several threads use it at the same time.
        getattr(context.task_runner, "client", None)
    yield as_tasks


def as_tasks(function: Callable[[Argument], Result], arguments: Iterable[Argument], /) -> Iterable[Result]:
    """Submit a task per argument; their results in the order of the arguments."""
    from prefect import task
    from prefect.cache_policies import NO_CACHE

    made = task(
        name=function.__name__.replace("_", "-"), task_run_name="{name}", cache_policy=NO_CACHE, persist_result=False
    )(piece)
    futures = [made.submit(str(argument), Call(function, argument)) for argument in arguments]
    return (future.result() for future in futures)


def piece(name: str, call: "Call") -> Any:
    """What a worker does; the name is for the UI."""
    return call.function(call.argument)


class Call:
    """A function and its argument (no dataclass: Prefect would look into one for results to wait for)."""

    def __init__(self, function: Callable[[Any], Any], argument: Any) -> None:
        self.function = function
        self.argument = argument


Way = Callable[[], AbstractContextManager[Spread]]
SPREAD: ContextVar[Way] = ContextVar("spread", default=here)


@contextmanager
def spreading(way: Way) -> Iterator[None]:
    """Stages that run in this context have their pieces done that way.

    Code of a flow calls this instead of setting the variable: it travels to workers, and a variable cannot.
    """
    token = SPREAD.set(way)
    try:
        yield
    finally:
        SPREAD.reset(token)
