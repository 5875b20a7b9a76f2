"""`pricewright lineage` and `pull`: where a release came from, and the data behind it."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from cli.console import console
from cli.served import Store, chosen_store

if TYPE_CHECKING:
    from blocks.lake import Lake

Release = Annotated[str, typer.Argument(help="Default: the one that production serves.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""

    @app.command(name="lineage")
    def _lineage(
        release: Release = "",
        sku: Annotated[str, typer.Option(help="Follow the price of this SKU to its sales lines.")] = "",
        invoice: Annotated[str, typer.Option(help="With --sku: only the lines of this invoice.")] = "",
        against: Annotated[str, typer.Option(help="Another release: show what differs from it.")] = "",
        as_json: Annotated[bool, typer.Option("--json", help="Everything, with whole hashes, as JSON.")] = False,
        store: Store = "",
    ) -> None:
        """Go back from a release to rows, code and parameters, with hashes; the lake is all that it needs."""
        from blocks.lake import Lake
        from cli.lineage_tree import show_descent, show_differences, show_sku
        from pricewright.core.item import Item
        from tasks.descent import differences, read_descent
        from tasks.sku_descent import read_sku

        lake = Lake(chosen_store(store))
        out = console()
        descent = read_descent(lake, release or _served(lake))
        if against:
            found = differences(descent, read_descent(lake, against))
            out.print_json(json.dumps(found)) if as_json else show_differences(out, descent.release, against, found)
        elif sku:
            one = read_sku(lake, descent, Item.parse(sku), invoice)
            content = {name: getattr(one, name).to_dicts() for name in ("price", "panel", "lines")}
            out.print_json(json.dumps(content, default=str)) if as_json else show_sku(out, descent.release, one)
        else:
            out.print_json(json.dumps(descent.as_dict(), default=str)) if as_json else show_descent(out, descent)

    @app.command(name="pull")
    def _pull(
        paths: Annotated[list[str] | None, typer.Argument(help="Such as work/panel. Default: all results.")] = None,
        store: Store = "",
    ) -> None:
        """Bring what the last run made, on whatever machine, from the lake into this checkout."""
        from blocks.lake import Lake
        from pricewright.core.errors import LedgerError
        from tasks.root import find_root
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
    from pricewright.core.errors import ReleaseError

    pointer = Channel(lake).read()
    if pointer is None:
        raise ReleaseError(f"nothing is served from {lake.url}.", hint="name a release: pricewright releases.")
    return str(pointer.release)
