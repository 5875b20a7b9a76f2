"""A step that acts on the world, such as moving a pointer: a Prefect task in a flow run, a plain function outside."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from tasks.markdown import shown, table

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


def as_action(step: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Never cached, never retried by Prefect: repeating it is up to whoever reads how it failed."""

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
