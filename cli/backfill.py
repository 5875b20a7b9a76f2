"""`pricewright backfill`: weeks once more, late and corrected data, on this machine or on the server that there is."""

from contextlib import ExitStack
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cli.console import Watcher, console, quiet
from cli.options import Columns, Mapping, Params, Store, chosen_store, parse_asked
from flows.embedded import prefect_server, wait_for_server
from pricewright.core.errors import ParameterError
from tasks.workspace import find_root

First = Annotated[str, typer.Option("--from", help="First ISO week, as 2011-W10.")]
Last = Annotated[str, typer.Option("--to", help="Last ISO week, as 2011-W20; the first alone if not given.")]
Parallel = Annotated[int, typer.Option(min=1, max=64, help="Weeks at the same time, at most.")]
Stages = Annotated[str, typer.Option(help="Stages that follow, as far as they are stale.")]
Walk = Annotated[bool, typer.Option("--walk-forward", help="Score the models as of each week.")]
Drop = Annotated[bool, typer.Option("--drop-vanished", help="Drop rows of weeks and files that the source lost.")]
Source = Annotated[str, typer.Option(help="File, folder or s3://bucket/prefix of sales. Default: the last run's.")]


def register(app: typer.Typer) -> None:
    """Add the command to the app."""

    @app.command(name="backfill")
    def _backfill(
        first: First,
        last: Last = "",
        max_parallel: Parallel = 4,
        stages: Stages = "ingest,feature",
        walk_forward: Walk = False,
        drop_vanished: Drop = False,
        source: Source = "",
        store: Store = "",
        param: Params = None,
        column: Columns = None,
        mapping: Mapping = "",
    ) -> None:
        """Ingest weeks from the source once more, whatever is known of them, and run what hangs on them.

        Killed and started again with the same options, it goes on with the weeks that are left. Exit code 2: the
        source does not have the weeks, or has lost rows since; then nothing was changed.
        """
        from tasks.existing_weeks import BackfillOrder
        from tasks.stages import STAGES

        names = [name.strip() for name in stages.split(",") if name.strip()]
        unknown = [name for name in names if name not in STAGES]
        if unknown or not names:
            raise ParameterError(f"there is no stage {unknown or stages!r}.", hint=f"the stages: {', '.join(STAGES)}.")
        _ = BackfillOrder(first, last or first).weeks  # raises where they are not valid
        columns, parameters = parse_asked(param, column, mapping)
        _run(
            {
                "first_week": first,
                "last_week": last or first,
                "max_parallel": max_parallel,
                "stages": names,
                "walk_forward": walk_forward,
                "drop_vanished": drop_vanished,
                "source": source,
                "store": chosen_store(store),
                "columns": columns,
                "parameters": parameters,
            }
        )


def _run(asked: dict[str, Any]) -> None:
    from tasks.stage import WATCHING

    out = console()
    with ExitStack() as stack:
        stack.enter_context(quiet())
        with out.status("  starting Prefect"):
            url = stack.enter_context(prefect_server(find_root() / ".pricewright" / "prefect"))
            from flows.backfill_weeks import backfill_weeks
            from flows.forms import OwnBackfillRequest
        wait_for_server(url)  # it may have ended while all that was imported
        token = WATCHING.set(stack.enter_context(Watcher(out)))
        stack.callback(WATCHING.reset, token)
        _show(out, backfill_weeks(OwnBackfillRequest(**asked)))


def _show(out: Console, done: Any) -> None:
    out.print()
    out.print(_table(done.weeks))
    if done.elsewhere:
        more = f" and {len(done.elsewhere) - 8} more" if len(done.elsewhere) > 8 else ""
        out.print(f"  rebuilt outside of the range as well: {', '.join(done.elsewhere[:8])}{more}")
    if done.walked.height:
        out.print()
        out.print(_table(done.walked.to_dicts()))
    for result in done.unscored:
        out.print(f"  {result['week']} has no score: {escape(result['why'])}", soft_wrap=True)


def _table(rows: Any) -> Table:
    made = Table(*rows[0], box=None, pad_edge=False)
    for row in rows:
        made.add_row(*("" if value is None else _shown(value) for value in row.values()))
    return made


def _shown(value: Any) -> str:
    return (
        f"{value:.3f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else escape(str(value))
    )
