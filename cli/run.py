"""`pricewright run`, `stage`, `configure`: the weekly job, or one stage of it, on this machine."""

import json
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer
from rich.console import Console
from rich.markup import escape

from blocks.lake import Lake
from cli.console import Watcher, console, quiet
from cli.options import Columns, Mapping, Params, Products, Rules, Source, Stock, Store, Stores, parse_asked
from flows.embedded import prefect_server, wait_for_server
from pricewright.core.errors import ParameterError
from tasks.run import Outcome, run_file_kept
from tasks.workspace import Workspace, configure, find_root, read_parameters

if TYPE_CHECKING:
    from pricewright.parameters import Entry

MOST_SHOWN = 60  # characters of a default
PAGE = """# Parameters

Every number of `params.yaml`, with what it may be. `--param price.bins=80` sets one for a run, and so does the field
*parameters* of the forms in Prefect; a value beyond its bounds is refused before anything starts.
`pricewright parameters price` shows a part of this list, `pricewright parameters --markdown` writes this page.
"""


def register(app: typer.Typer) -> None:
    """Add the command to the app."""

    @app.command(name="run")
    def _run(
        source: Source = "",
        stores: Stores = "",
        products: Products = "",
        stock: Stock = "",
        rules: Rules = "",
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
        refresh(
            source, store, parameters, columns, {"stores": stores, "products": products, "stock": stock, "rules": rules}
        )


def refresh(
    source: str, store: str, parameters: dict[str, Any], columns: dict[str, str], beside: dict[str, str]
) -> None:
    """Run the flow and show how it came out; a run that fails leaves run.yaml as it was."""
    out, root = console(), find_root()
    with run_file_kept(root):
        _refresh(out, root, source, store, parameters, columns, beside)


def _refresh(
    out: Console, root: Path, source: str, store: str, parameters: dict[str, Any], columns: dict[str, str],
    beside: dict[str, str],
) -> None:  # fmt: skip
    from cli.summary import show_summary
    from tasks.finish import pass_over, prepare
    from tasks.stage import WATCHING

    workspace, fresh = prepare(root, source, store, columns, parameters, beside)
    store = workspace.store  # named, so that no block of a server stands in for it
    out.print(f"[bold]pricewright[/]  {escape(workspace.described)}  ->  {escape(workspace.store)}")
    with ExitStack() as stack:
        stack.enter_context(quiet())
        flow = pass_over if fresh else _flow(stack, out, root)
        token = WATCHING.set(stack.enter_context(Watcher(out)))
        stack.callback(WATCHING.reset, token)
        show_summary(out, workspace, flow(root, source, store, columns, parameters, beside))


def _flow(stack: ExitStack, out: Console, root: Path) -> Callable[..., Outcome]:
    """The flow, on our own Prefect server in this process unless PREFECT_API_URL names one."""
    with out.status("  starting Prefect"):
        url = stack.enter_context(prefect_server(root / ".pricewright" / "prefect"))
        from flows.forms import OwnRefreshRequest
        from flows.refresh_prices import refresh_prices

    def run(
        root: Path, source: str, store: str, columns: dict[str, str], parameters: dict[str, Any], beside: dict[str, str]
    ) -> Outcome:
        request = OwnRefreshRequest(source=source, store=store, parameters=parameters, columns=columns, **beside)
        wait_for_server(url)  # it may have ended while all that was imported
        return cast(Outcome, refresh_prices(request))  # a state that the flow ends in is called with its outcome

    return run


def parameters_page(entries: "Sequence[Entry]") -> str:
    """docs/parameters.md."""
    rows = [f"| `{entry.name}` | {_cell(entry.value)} | {entry.rule} | {entry.sentence} |" for entry in entries]
    return f"{PAGE}\n| name | by default | may be | what for |\n|---|---|---|---|\n" + "\n".join(rows) + "\n"


def _cell(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return f"`{text}`".replace("|", "\\|") if len(text) <= MOST_SHOWN else "see `params.yaml`"


def register_stage(app: typer.Typer) -> None:
    """Add the commands to the app."""

    @app.command(name="stage", rich_help_panel="For dvc.yaml")
    def _stage(
        verb: Annotated[str, typer.Argument(help="A stage of dvc.yaml, such as train; any other word lists them.")],
    ) -> None:
        """Do the work of one stage, whether it is stale or not; `dvc repro` calls this."""
        from tasks.stage import do, publish
        from tasks.stages import STAGES

        if verb not in STAGES:
            raise ParameterError(f"there is no stage {verb}.", hint=f"the stages are {', '.join(STAGES)}.")
        workspace = Workspace(find_root())
        with quiet():
            do(STAGES[verb], workspace)
        publish(STAGES[verb], workspace, Lake(workspace.store))
        metrics = json.loads(workspace.metrics(verb).read_text())
        console().print(f"{verb}: {STAGES[verb].summary(metrics)}", markup=False)

    @app.command(name="parameters", rich_help_panel="For dvc.yaml")
    def _parameters(
        part: Annotated[str, typer.Argument(help="Only those whose name begins so, as price or train.network.")] = "",
        markdown: Annotated[bool, typer.Option("--markdown", help="As a page, docs/parameters.md.")] = False,
    ) -> None:
        """List every number of params.yaml: its value, what it may be, and what it is for."""
        from pricewright.parameters import list_parameters

        entries = list_parameters(read_parameters(find_root() / "params.yaml"))
        found = [entry for entry in entries if f"{entry.name}.".startswith(f"{part.rstrip('.')}." if part else "")]
        if not found:
            sections = dict.fromkeys(entry.name.partition(".")[0] for entry in entries)
            raise ParameterError(f"there is no parameter {part}.", hint=f"the sections are {', '.join(sections)}.")
        if markdown:
            typer.echo(parameters_page(found), nl=False)
            return
        for entry in found:
            console().print(f"{entry.name} = {entry.value}", markup=False, soft_wrap=True)
            console().print(f"    {entry.rule}. {entry.sentence}", markup=False, soft_wrap=True)

    @app.command(name="configure", rich_help_panel="For dvc.yaml")
    def _configure(
        source: Source = "",
        stores: Stores = "",
        products: Products = "",
        stock: Stock = "",
        rules: Rules = "",
        store: Store = "",
        param: Params = None,
        column: Columns = None,
        mapping: Mapping = "",
    ) -> None:
        """Write run.yaml, as `pricewright run` with the same options would, and run nothing: `dvc repro` follows it."""
        beside = {"stores": stores, "products": products, "stock": stock, "rules": rules}
        at = configure(find_root(), source, store, *parse_asked(param, column, mapping), beside)
        console().print(f"run.yaml: {at.described}  ->  {at.store}", markup=False)
