"""`pricewright run`: the weekly job on this machine, with its own Prefect server where there is none."""

import json
import os
import shlex
import shutil
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any, cast

import polars as pl
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from blocks.channel import Channel, Pointer
from blocks.lake import Lake
from cli.console import Watcher, console, quiet
from cli.options import Columns, Mapping, Params, Source, Store, parse_asked
from pricewright.core.item import Item
from pricewright.core.manifest import MANIFEST, PLAN, PRICE_LIST, Manifest
from tasks.gates import GATES
from tasks.pages import by_expected_gain, count_moves, read_price_list
from tasks.run import Outcome
from tasks.smoke import PriceApi
from tasks.workspace import Workspace, find_root

ROWS = 10
DESCRIPTION = 32  # characters


def show_summary(out: Console, workspace: Workspace, outcome: Outcome) -> None:
    """Asks the Lambda handler for the prices it shows, so that the last thing a run proves is that they are served.

    It asks the run's own release: somebody else may have moved the channel since, and then that is said.
    """
    lake, channel = Lake(workspace.store), str(workspace.parameters["promote"]["channel"])
    api = PriceApi(workspace.store, release=outcome.release)
    # Of the release, not of the workspace: another machine may have made it.
    prices = read_price_list(lake.read(f"releases/{outcome.release}/{PRICE_LIST}").body)
    out.print()
    out.print(_table([api.price(item) for item in _items(prices, ROWS)]))
    out.print()
    words = "promoted" if outcome.promoted else "nothing changed" if not outcome.changed else "served as before"
    out.print(f"[bold]{words}[/]: release {outcome.release}, {count_moves(prices)}")
    if promise := _promise(workspace, lake, outcome.release, prices):
        out.print(promise)
    pointer = Channel(lake, channel).read()
    if pointer is not None and pointer.release != outcome.release:
        out.print(f"[yellow]{escape(channel)} serves another one by now[/]: {_moved(pointer)}")
    for what, where in _next(workspace, outcome, prices):
        out.print(f"  {what:<16} {escape(where)}", soft_wrap=True)


def _promise(workspace: Workspace, lake: Lake, release: str, prices: pl.DataFrame) -> str:
    """What the plan promises with its 90 % interval, and in a simulated market what it truly brings."""
    manifest = Manifest.from_json(lake.read(f"releases/{release}/{MANIFEST}").body)
    if PLAN not in manifest.files:
        return ""
    plan = json.loads(lake.read(f"releases/{release}/{PLAN}").body)
    said = (
        f"the plan promises {plan['uplift']:+.1%} weekly sales (90 %: {plan['uplift_low']:+.1%} to "
        f"{plan['uplift_high']:+.1%}; probability {plan['probability']:.2f})"
    )
    if not workspace.simulated:
        return said
    return f"{said}; in truth, known of a simulated market, it brings {_truth(workspace, prices):+.1%}"


def _truth(workspace: Workspace, prices: pl.DataFrame) -> float:
    from pricewright.worlds.default import true_uplift

    return true_uplift(workspace.parameters["market"], prices)


def _moved(pointer: Pointer) -> str:
    return escape(f"{pointer.release}, promoted by {pointer.promoted_by} at {pointer.promoted_at}")


def _table(answers: list[dict[str, Any]]) -> Table:
    table = Table(
        "SKU", "description", "now", "optimal", "uplift", "probability", "answered by", box=None, pad_edge=False
    )
    for column in table.columns[2:6]:
        column.justify = "right"
    for answer in answers:
        chance = answer["uplift_probability"]
        table.add_row(
            escape(answer["stock_code"]),
            escape(answer["description"][:DESCRIPTION]),
            f"{answer['current_price']:.2f}",
            f"{answer['optimal_price']:.2f}",
            f"{answer['sales_uplift']:+.1%}",
            "" if chance is None else f"{chance:.2f}",
            answer["model"],
        )
    return table


def _next(workspace: Workspace, outcome: Outcome, prices: pl.DataFrame) -> list[tuple[str, str]]:
    place = f"{workspace.store.rstrip('/')}/releases/{outcome.release}"
    (first,) = _items(prices, 1)
    return [
        ("price list", f"{place}/price_list.parquet"),
        ("a demand curve", f"{_command()} price {shlex.quote(str(first))}"),
        ("the gates", ", ".join(gate.look for gate in GATES.values())),
        ("the numbers", "work/metrics/, dvc metrics show, dvc plots show"),
        ("another release", f"{_command()} releases, promote, roll-back"),
    ]


def _items(prices: pl.DataFrame, count: int) -> list[Item]:
    return [Item(code) for code in by_expected_gain(prices).head(count)["stock_code"]]


def _command() -> str:
    """How the user calls this program: its name where the shell finds it, else the way to it from here."""
    return "pricewright" if shutil.which("pricewright") else os.path.relpath(sys.argv[0])


def register(app: typer.Typer) -> None:
    """Add the command to the app."""

    @app.command(name="run")
    def _run(
        source: Source = "",
        store: Store = "",
        param: Params = None,
        column: Columns = None,
        mapping: Mapping = "",
    ) -> None:
        """Learn from the sales and release new prices: ingest, feature, drift, tune, train, fairness, promote.

        Stages whose data, code and parameters did not change are skipped. Exit code 0: a release was promoted, or
        nothing had changed; 1: a gate or an error stopped it; 2: the file or a parameter cannot be used.
        """
        columns, parameters = parse_asked(param, column, mapping)
        refresh(source, store, parameters, columns)


def refresh(source: str, store: str, parameters: dict[str, Any], columns: dict[str, str]) -> None:
    """Run the flow and show how it came out."""
    from tasks.finish import pass_over, prepare
    from tasks.stage import WATCHING

    out, root = console(), find_root()
    workspace, fresh = prepare(root, source, store, columns, parameters)
    store = workspace.store  # named, so that no block of a server stands in for it
    out.print(f"[bold]pricewright[/]  {escape(workspace.described)}  ->  {escape(workspace.store)}")
    with ExitStack() as stack:
        stack.enter_context(quiet())
        flow = pass_over if fresh else _flow(stack, out, root)
        token = WATCHING.set(stack.enter_context(Watcher(out)))
        stack.callback(WATCHING.reset, token)
        show_summary(out, workspace, flow(root, source, store, columns, parameters))


def _flow(stack: ExitStack, out: Console, root: Path) -> Callable[..., Outcome]:
    """The flow, on our own Prefect server in this process unless PREFECT_API_URL names one."""
    from flows.embedded import prefect_server, wait_for_server

    with out.status("  starting Prefect"):
        url = stack.enter_context(prefect_server(root / ".pricewright" / "prefect"))
        from flows.refresh_prices import refresh_prices
        from flows.requests import RefreshRequest

    def run(root: Path, source: str, store: str, columns: dict[str, str], parameters: dict[str, Any]) -> Outcome:
        request = RefreshRequest(source=source, store=store, parameters=parameters, columns=columns)
        wait_for_server(url)  # it may have ended while all that was imported
        return cast(Outcome, refresh_prices(request))  # a state that the flow ends in is called with its outcome

    return run


def register_stage(app: typer.Typer) -> None:
    """Add the commands to the app."""

    @app.command(name="stage", rich_help_panel="For dvc.yaml")
    def _stage(
        verb: Annotated[str, typer.Argument(help="A stage of dvc.yaml, such as train; any other word lists them.")],
    ) -> None:
        """Do the work of one stage, whether it is stale or not; `dvc repro` calls this."""
        import json

        from blocks.lake import Lake
        from pricewright.core.errors import ParameterError
        from tasks.stage import do, publish
        from tasks.stages import STAGES
        from tasks.workspace import Workspace

        if verb not in STAGES:
            raise ParameterError(f"there is no stage {verb}.", hint=f"the stages are {', '.join(STAGES)}.")
        workspace = Workspace(find_root())
        with quiet():
            do(STAGES[verb], workspace)
        publish(STAGES[verb], workspace, Lake(workspace.store))
        metrics = json.loads(workspace.metrics(verb).read_text())
        console().print(f"{verb}: {STAGES[verb].said(metrics)}", markup=False)

    @app.command(name="configure", rich_help_panel="For dvc.yaml")
    def _configure(
        source: Source = "",
        store: Store = "",
        param: Params = None,
        column: Columns = None,
        mapping: Mapping = "",
    ) -> None:
        """Write run.yaml, as `pricewright run` with the same options would, and run nothing: `dvc repro` follows it."""
        from tasks.workspace import configure

        at = configure(find_root(), source, store, *parse_asked(param, column, mapping))
        console().print(f"run.yaml: {at.described}  ->  {at.store}", markup=False)
