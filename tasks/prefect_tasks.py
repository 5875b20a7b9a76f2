"""Prefect around our functions: steps with retries, parallel tasks, events, progress bars, run names."""

import logging
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar, copy_context
from datetime import datetime
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from pricewright.core.errors import PricewrightError
from pricewright.tuning import TaskMap, on_threads
from tasks.markdown import shown, table

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")
Argument = TypeVar("Argument")
Way = Callable[[], AbstractContextManager[TaskMap]]
SPOKEN = "prefect.flow_runs"
LOGGERS = (SPOKEN, "prefect.task_runs", "prefect.engine")
GATE = "pricewright.gate."
RELEASE = "pricewright.release."
API = "pricewright.price-api"
BACKUP, NETWORK, SILENT = f"{API}.serves-from-backup", f"{API}.serves-from-network", f"{API}.silent"


def as_action(step: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Never cached, never retried by Prefect: repeating it is up to the one who reads how it failed."""

    @wraps(step)
    def call(*arguments: Parameters.args, **named: Parameters.kwargs) -> Result:
        from prefect import task
        from prefect.cache_policies import NO_CACHE
        from prefect.context import FlowRunContext

        if FlowRunContext.get() is None:
            return step(*arguments, **named)
        name = step.__name__.replace("_", "-")
        return task(name=name, cache_policy=NO_CACHE, persist_result=False)(step)(*arguments, **named)

    return call


def leave_page(key: str, line: str, rows: dict[str, str]) -> None:
    """In a Prefect run: a line in its log and a page with what was done; outside, nothing."""
    from prefect import get_run_logger
    from prefect.artifacts import create_markdown_artifact
    from prefect.context import FlowRunContext

    if FlowRunContext.get() is None:
        return
    get_run_logger().info(line)
    numbers = table([{"what": what, "value": value} for what, value in rows.items()])
    create_markdown_artifact(key=key, markdown=f"# {shown(line)}\n{numbers}", description=line)


def here() -> AbstractContextManager[TaskMap]:
    """Threads of this process, one per core."""
    return on_threads(cores())


def cores() -> int:
    """The cores that this process may use, which containers limit."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def on_runner() -> Iterator[TaskMap]:
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


TASK_MAP: ContextVar[Way] = ContextVar("task_map", default=here)


@contextmanager
def using_task_map(way: Way) -> Iterator[None]:
    """Stages that run in this context have their pieces done that way.

    Code of a flow calls this instead of setting the variable: it travels to workers, and a variable cannot.
    """
    token = TASK_MAP.set(way)
    try:
        yield
    finally:
        TASK_MAP.reset(token)


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


def log_failures_in_a_line(flow: object = None, flow_run: object = None, state: object = None) -> None:
    """From now on an error of ours is one line in the log of its run, without the calls that led there.

    A hook of flows that begin to run. A task says nothing of its error: its flow does. What is no error of ours keeps
    its traceback, and so does everything where PRICEWRIGHT_TRACE is set.
    """
    for name in LOGGERS:
        logger = logging.getLogger(name)
        if _in_a_line not in logger.filters:
            logger.addFilter(_in_a_line)


def _in_a_line(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    if not isinstance(error, PricewrightError) or os.environ.get("PRICEWRIGHT_TRACE"):
        return True
    record.msg, record.args, record.exc_info = "%s", (str(error),), None
    return record.name == SPOKEN


def name_after_start() -> str:
    """How a run is called before it knows its week: after its flow, and when it was to start (UTC)."""
    from prefect.runtime import flow_run

    return f"{flow_run.flow_name} {flow_run.scheduled_start_time:%Y-%m-%d %H:%M}"


def rename_run(words: str, tags: Iterable[str] = ()) -> None:
    """Call the run `<flow> <words>`, and add tags; without a run, nothing happens."""
    from prefect.client.orchestration import get_client
    from prefect.context import FlowRunContext

    context = FlowRunContext.get()
    if context and context.flow_run and context.flow:
        with get_client(sync_client=True) as client:
            known = set(client.read_flow_run(context.flow_run.id).tags)
            name = f"{context.flow.name} {words}"
            client.update_flow_run(context.flow_run.id, name=name, tags=sorted(known | set(tags)))


def tell_gate(gate: str, status: str, worst: str) -> None:
    """`pricewright.gate.ok`, `.warned` or `.blocked`, about the gate."""
    ending = {"ok": "ok", "warn": "warned", "block": "blocked"}[status]
    _emit(f"{GATE}{ending}", f"{GATE}{gate}", {"gate": gate, "status": status, "worst": worst})


def tell_release(release: str, channel: str, previous: str | None) -> None:
    """`pricewright.release.promoted`, about the release."""
    _emit(f"{RELEASE}promoted", f"{RELEASE}{release}", {"channel": channel, "previous": previous or ""})


def tell_waiting(release: str, summary: str, until: datetime) -> None:
    """`pricewright.release.waits`, about the release, when its run asks for the first time."""
    from prefect.context import FlowRunContext
    from prefect.utilities.urls import url_for

    context = FlowRunContext.get()
    run = context.flow_run if context else None
    if run is None or run.run_count > 1:  # it starts from the top after each answer
        return
    facts = {"release": release, "summary": summary, "until": f"{until:%Y-%m-%d %H:%M} UTC"}
    link = url_for(run, url_type="ui") or ""
    _emit(f"{RELEASE}waits", f"{RELEASE}{release}", facts | {"link": link, "command": f"pricewright approve {release}"})


def _emit(event: str, resource: str, payload: dict[str, Any]) -> None:
    from prefect.context import FlowRunContext
    from prefect.events import emit_event

    context = FlowRunContext.get()
    if context and context.flow_run:
        run = {"prefect.resource.id": f"prefect.flow-run.{context.flow_run.id}", "prefect.resource.role": "flow-run"}
        about = {"prefect.resource.id": resource, "prefect.resource.name": resource}
        emit_event(event, about, related=[run], payload=payload)


class CountBar:
    """So many of a total are done."""

    def __init__(self, key: str, total: int) -> None:
        self._key, self._total, self._done = key, max(total, 1), 0
        self._artifact: Any = None

    def show(self, done: int, words: str = "") -> None:
        """So many are done."""
        from prefect.artifacts import create_progress_artifact, update_progress_artifact
        from prefect.context import FlowRunContext

        self._done = done
        if FlowRunContext.get() is None:
            return
        share = 100.0 * done / self._total
        if self._artifact is None:
            self._artifact = create_progress_artifact(share, key=self._key, description=words or None)
        else:
            update_progress_artifact(self._artifact, share, description=words or None)

    def step(self, words: str) -> None:
        """One more is done."""
        self.show(self._done + 1, words)
