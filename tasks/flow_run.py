"""The flow run around us, if there is one: its name and its tags, by which operators find it."""

from collections.abc import Iterable


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
