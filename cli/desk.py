"""`pricewright accepted` and `decisions`: what people decided about the plan's prices, and the list to act on."""

import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from cli.console import console
from cli.options import Name, ServedStore, chosen_store
from inference.settings import read_settings
from pricewright.core.errors import ParameterError

if TYPE_CHECKING:
    from tasks.desk import Desk

Out = Annotated[Path | None, typer.Option(help="The file to write, .csv or .xlsx. Default: show the list.")]
Locale = Annotated[str, typer.Option(help="How numbers are written in the CSV, such as de-DE. Default: the shop's.")]
SHOWN = 30


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""

    @app.command(name="accepted")
    def _accepted(store: ServedStore = "", channel: Name = "production", out: Out = None, locale: Locale = "") -> None:
        """List the prices that were accepted at the desk, or set by hand, those that gain most first."""
        release, rows = _desk(store, channel).accepted()
        if out is not None:
            _write(out, rows, locale)
            console().print(f"{out}: {len(rows)} prices of release {release}", markup=False)
            return
        table = Table(
            "SKU", "store", "description", "now", "new", "gain a week", "decided by", box=None, pad_edge=False
        )
        for row in rows[:SHOWN]:
            gain = "" if row["gain"] is None else f"{row['gain']:+,.2f}"
            texts = (row["stock_code"], row["store"] or "", row["description"])
            prices = (f"{row['current_price']:.2f}", f"{row['price']:.2f}")
            table.add_row(*map(escape, texts), *prices, gain, escape(row["by"]))
        console().print(table if rows else f"no price of release {release} was accepted yet: pricewright serve, /desk.")
        if len(rows) > SHOWN:
            console().print(f"and {len(rows) - SHOWN} more: --out accepted.xlsx has all of them.")

    @app.command(name="decisions")
    def _decisions(store: ServedStore = "", channel: Name = "production") -> None:
        """List the latest decision about each price of the plan: who, when, why, and whether it still stands."""
        desk = _desk(store, channel)
        table = Table("SKU", "decision", "from", "proposed", "price", "by", "at", "stands", "reason", box=None,
                      pad_edge=False)  # fmt: skip
        for it in desk.standing():
            move = asdict(it.move)
            prices = (
                f"{move[name]:.2f}" if move[name] else "" for name in ("current_price", "proposed_price", "price")
            )
            made = it.decision
            table.add_row(
                escape(str(it.move.item)), made.decision, *prices, escape(made.by), made.at[:16],
                "yes" if it.stands else "no: the plan changed", escape(made.reason),
            )  # fmt: skip
        console().print(table if table.row_count else "nothing was decided yet.")
        for key, why in desk.decisions()["trouble"].items():
            console().print(f"[red]counts for nothing[/] {escape(key)}: {escape(why)}")


def _write(out: Path, rows: "list[dict[str, object]]", locale: str) -> None:
    from tasks.accepted_list import written

    settings = read_settings(os.environ)
    if not out.parent.is_dir():
        raise ParameterError(f"{out.parent} is no folder: the list cannot be written to {out}.")
    out.write_bytes(written(rows, out.suffix.removeprefix("."), locale or settings.locale, settings.currency))


def _desk(store: str, channel: str) -> "Desk":
    from blocks.lake import Lake
    from tasks.desk import Desk
    from tasks.smoke import PriceApi

    url = chosen_store(store)
    return Desk(Lake(url), PriceApi(url, channel), channel)
