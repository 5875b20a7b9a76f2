"""`pricewright rules check`: look at a rules file before a run keeps to it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.console import console
from pricewright.core.errors import ParameterError
from tasks.workspace import Workspace, find_root

if TYPE_CHECKING:
    from pricewright.rules.items import Items

RulesFile = Annotated[str, typer.Option("--rules", help="The rules file. Default: that of the last run.")]
SHOWN = 10


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    rules = typer.Typer(no_args_is_help=True, help="Look at a file of rules that prices keep to.")
    app.add_typer(rules, name="rules")

    @rules.callback()
    def _rules() -> None:
        """Look at a file of rules that prices keep to."""

    @rules.command(name="check")
    def _check(rules: RulesFile = "") -> None:
        """Check a rules file: its keys and values, and what it says of the items of the last run.

        Exit code 0: prices can keep to all of it; 2: something is wrong, or rules contradict each other.
        """
        workspace = Workspace(find_root())
        check(_chosen(rules, workspace), workspace)


def _chosen(rules: str, workspace: Workspace) -> Path:
    if rules:
        return Path(rules)
    if not workspace.run_file.exists() or (path := workspace.beside("rules")) is None:
        raise ParameterError("no rules file is given, and the last run had none.", hint="give --rules FILE.")
    return path


def check(path: Path, workspace: Workspace) -> None:
    """Say what the file holds. Raises ParameterError when something in it is wrong."""
    from pricewright.rules.file import lines_of, read_rules

    rules = read_rules(path)
    out = console()
    items = _items(workspace)
    if items is None:
        out.print(f"{path.name}: {len(rules)} rules; names and contradictions were not checked: nothing was run yet.")
        return
    complaints = _complaints(rules, items, workspace, lines_of(path) if rules else {})
    if complaints:
        more = f"; and {len(complaints) - SHOWN} more" if len(complaints) > SHOWN else ""
        raise ParameterError(
            f"{path.name}: {'; '.join(complaints[:SHOWN])}{more}.",
            hint="a plan meets such rules as far as it can, the first of the file first.",
        )
    out.print(f"{path.name}: {len(rules)} rules about {len(items):,} items, all of which can be met.", markup=False)


def _items(workspace: Workspace) -> "Items | None":
    """The items of the last run; None where there was none."""
    import polars as pl

    from pricewright.partitions import read_partitions
    from pricewright.rules.items import items_of

    catalog, products = (workspace.work / f"{name}.parquet" for name in ("catalog", "products"))
    if not (catalog.exists() and products.exists() and (workspace.work / "panel").exists()):
        return None
    panel = read_partitions(workspace.work / "panel")
    return items_of(pl.read_parquet(catalog), panel, pl.read_parquet(products))


def _complaints(rules: Any, items: "Items", workspace: Workspace, lines: dict[str, int]) -> list[str]:
    """Names that the shop does not have, and rules that contradict each other, with the lines where they begin."""
    import polars as pl

    from pricewright.rules.release import contradictions

    complaints = [
        f"line {lines[name]}, rule {name!r}: no item has the {column} {value!r}"
        for name, column, value in items.unknown(rules)
    ]
    catalog = pl.read_parquet(workspace.work / "catalog.parquet")
    for one in contradictions(rules, items, catalog, workspace.parameters["price"]):
        against = ", ".join(map(repr, one.against)) or "those before it"
        first = items.keys[one.items[0]]
        count = len(one.items)
        complaints.append(
            f"line {lines[one.rule]}, rule {one.rule!r} contradicts {against} for {count:,} items, as {first}"
        )
    return complaints
