"""`pricewright lineage` and `pull`: where a release came from, as a tree, and the data behind it."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.tree import Tree

from cli.console import console
from cli.options import ServedStore, chosen_store
from pricewright.core.errors import LedgerError, ReleaseError
from pricewright.core.item import Item
from tasks.workspace import find_root

if TYPE_CHECKING:
    import polars as pl

    from blocks.lake import Lake
    from tasks.provenance import ReleaseLineage, SkuLineage


DIGITS = 10  # of a hash: enough to compare by eye, --json has all
ROWS = 12
Release = Annotated[str, typer.Argument(help="Default: the one that production serves.")]


def show_descent(out: Console, lineage: "ReleaseLineage") -> None:
    """From the release down to the source."""
    tree = Tree(f"[bold]release {escape(lineage.release)}[/]  {lineage.created}  manifest {_short(lineage.manifest)}")
    files = tree.add("files, by SHA-256")
    for name, entry in lineage.files.items():
        files.add(f"{_short(entry['sha256'])}  {escape(name)}  [dim]{entry['size']:,} bytes[/]")
    if not lineage.origin:
        known = {name: value for name, value in lineage.lineage.items() if name != "origin"}
        old = tree.add("lineage: hashes only; the release is older than what is shown here, or the lake has lost it")
        for name, value in known.items():
            old.add(f"{escape(name)}  {escape(str(value))}")
    else:
        _add_stages(tree, lineage)
        _add_code(tree, lineage.origin["code"])
        _add_parameters(tree, lineage)
        _add_data(tree, lineage)
    out.print(tree)


def show_differences(out: Console, one: str, other: str, found: Mapping[str, Mapping[str, Any]]) -> None:
    """A table per kind; a line where nothing differs."""
    for what, entries in found.items():
        if not entries:
            out.print(f"[bold]{what}[/]: the same")
            continue
        table = Table(what, one, other, box=None, pad_edge=False)
        for name, (mine, others) in list(entries.items())[: None if what == "parameters" else 4 * ROWS]:
            table.add_row(escape(name), escape(_value(mine)), escape(_value(others)))
        out.print(table)
        if len(entries) > table.row_count:
            out.print(f"[dim]and {len(entries) - table.row_count:,} more: --json[/]")


def show_sku(out: Console, release: str, sku: "SkuLineage") -> None:
    """The price, the newest panel rows, the newest sales lines with their row in the source."""
    price = sku.price.row(0, named=True)
    out.print(f"[bold]{escape(str(price['stock_code']))}[/]  {escape(str(price['description']))}  in release {release}")
    for name in ("current_price", "optimal_price", "guardrail_low", "guardrail_high", "model", "reason"):
        out.print(f"  {name:<16}{escape(_value(price[name]))}", soft_wrap=True)
    out.print(f"\n[bold]panel[/]: {sku.panel.height} weeks, {int(sku.panel['lines'].sum()):,} sales lines")
    out.print(_table(sku.panel))
    out.print(f"\n[bold]sales lines[/]: {sku.lines.height:,}, the last ones; source and row say where each is")
    out.print(_table(sku.lines))


def _add_stages(tree: Tree, lineage: "ReleaseLineage") -> None:
    stages = tree.add("stages, the last first, by MD5 (DVC's)")
    for name, stage in reversed(lineage.origin["stages"].items()):
        made = stages.add(f"[bold]{escape(name)}[/]")
        for sign, key in (("->", "outs"), ("<-", "deps")):
            for entry in stage.get(key, []):
                many = f"  [dim]{entry['nfiles']:,} files[/]" if "nfiles" in entry else ""
                made.add(f"{sign} {_short(entry['md5'])}  {escape(entry['path'])}{many}")


def _add_code(tree: Tree, code: Mapping[str, Any]) -> None:
    commit = f"commit {code['commit'][:12]}" if code["commit"] else "no git commit known"
    changed = ", with changes that are in no commit" if code["changed"] else ""
    tree.add(f"code: {commit}{changed}; {len(code['files']):,} files, each with its hash in --json")


def _add_parameters(tree: Tree, lineage: "ReleaseLineage") -> None:
    names = lineage.overridden
    asked = tree.add(f"parameters: {len(lineage.parameters)} numbers, {len(names)} of them asked for by the run")
    for name in names:
        asked.add(f"{escape(name)} = {escape(_value(lineage.parameters[name]))}")


def _add_data(tree: Tree, lineage: "ReleaseLineage") -> None:
    from tasks.provenance import source_hashes

    counts = lineage.origin["counts"]
    panel, raw = counts.get("feature", {}), counts.get("ingest", {})
    data = tree.add("data")
    at = data.add(f"panel: {_count(panel, 'rows')} rows of {_count(panel, 'skus')} SKUs, {_weeks(lineage, 'panel')}")
    at = at.add(f"sales lines: {_count(raw, 'accepted')} accepted, {_weeks(lineage, 'raw')}")
    source = lineage.origin["source"]
    at = at.add(
        f"source: {escape(source['name'])}, {_count(raw, 'rows')} rows: {_count(raw, 'accepted')} accepted, "
        f"{_count(raw, 'quarantined')} quarantined, {_count(raw, 'duplicates')} duplicates"
    )
    for path, digest in source_hashes(lineage.origin).items():
        at.add(f"{_short(digest)}  {escape(path)}")
    for name, table in raw.get("read_as", {}).items():
        at.add(f"{escape(name)}: {table['rows']:,} rows")


def _weeks(lineage: "ReleaseLineage", name: str) -> str:
    weeks = sorted(lineage.weeks[name])
    return f"{len(weeks)} weeks, {weeks[0]} to {weeks[-1]}" if weeks else "its weeks are not in the lake"


def _count(counts: Mapping[str, Any], name: str) -> str:
    return f"{counts[name]:,}" if name in counts else "?"


def _short(digest: str) -> str:
    return f"[cyan]{digest.removesuffix('.dir')[:DIGITS]}[/]"


def _value(value: Any) -> str:
    if value is None:
        return "-"
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return text[:DIGITS] if len(text.removesuffix(".dir")) in (32, 40, 64) and text[:8].isalnum() else text


def _table(rows: "pl.DataFrame") -> Table:
    table = Table(*rows.columns, box=None, pad_edge=False)
    for row in rows.tail(ROWS).rows():
        table.add_row(*(escape(_value(value)) for value in row))
    return table


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""

    @app.command(name="lineage")
    def _lineage(
        release: Release = "",
        sku: Annotated[str, typer.Option(help="Follow the price of this SKU to its sales lines.")] = "",
        invoice: Annotated[str, typer.Option(help="With --sku: only the lines of this invoice.")] = "",
        against: Annotated[str, typer.Option(help="Another release: show what differs from it.")] = "",
        as_json: Annotated[bool, typer.Option("--json", help="Everything, with whole hashes, as JSON.")] = False,
        store: ServedStore = "",
    ) -> None:
        """Go back from a release to rows, code and parameters, with hashes; the lake is all that it needs."""
        from blocks.lake import Lake
        from tasks.provenance import differences, read_descent, read_sku

        lake = Lake(chosen_store(store))
        out = console()
        lineage = read_descent(lake, release or _served(lake))
        if against:
            found = differences(lineage, read_descent(lake, against))
            out.print_json(json.dumps(found)) if as_json else show_differences(out, lineage.release, against, found)
        elif sku:
            one = read_sku(lake, lineage, Item.parse(sku), invoice)
            content = {name: getattr(one, name).to_dicts() for name in ("price", "panel", "lines")}
            out.print_json(json.dumps(content, default=str)) if as_json else show_sku(out, lineage.release, one)
        else:
            out.print_json(json.dumps(lineage.as_dict(), default=str)) if as_json else show_descent(out, lineage)

    @app.command(name="pull")
    def _pull(
        paths: Annotated[list[str] | None, typer.Argument(help="Such as work/panel. Default: all results.")] = None,
        store: ServedStore = "",
    ) -> None:
        """Bring what the last run made, on whatever machine, from the lake into this checkout."""
        from blocks.lake import Lake
        from tasks.run import claim, open_ledger

        lake, root = Lake(chosen_store(store)), find_root()
        with claim(root):
            ledger = open_ledger(root, lake)
            if not ledger.lock_file.exists():
                raise LedgerError(f"the lake {lake.url} keeps no results.", hint="pricewright run leaves some there.")
            count = ledger.pull(paths or [])
        console().print(f"{count:,} files from {lake.url}", markup=False)


def _served(lake: "Lake") -> str:
    from blocks.channel import Channel

    pointer = Channel(lake).read()
    if pointer is None:
        raise ReleaseError(f"nothing is served from {lake.url}.", hint="name a release: pricewright releases.")
    return str(pointer.release)
