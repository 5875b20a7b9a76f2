"""`pricewright what-if`: asks the price API what other prices would do to units and sales."""

import json
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from cli.console import console
from cli.served import Name, Store, chosen_store
from pricewright.core.errors import ParameterError, UnknownSku
from pricewright.core.item import Item

Category = Annotated[str, typer.Option(help="Products of this category, as the price list's family names it.")]
Skus = Annotated[list[str] | None, typer.Option("--sku", help="This product; may be given several times.")]
ByShare = Annotated[str, typer.Option("--change", help="By how much prices change, such as -10% or +2.5%.")]
Price = Annotated[float | None, typer.Option("--price", help="What each of the products costs then.")]
AsJson = Annotated[bool, typer.Option("--json", help="All numbers, as the price API gives them.")]


def register(app: typer.Typer) -> None:
    """Add the command to the app."""

    @app.command(name="what-if")
    def _what_if(
        category: Category = "",
        sku: Skus = None,
        change: ByShare = "",
        price: Price = None,
        store: Store = "",
        channel: Name = "production",
        as_json: AsJson = False,
    ) -> None:
        """Say what other prices would do to units and sales of a week: of some products, and of the whole shop.

        Neither --category nor --sku means all products. What a product wins from the others of its family, or loses
        to them, is taken into account; prices are taken as asked, whether or not they lie within the guardrail.
        """
        from tasks.ask import PriceApi

        asked = {"category": category, "change": change, "price": price}
        items = [Item.parse(text) for text in sku or ()]
        try:
            answer = PriceApi(chosen_store(store), channel).what_if(items, **asked)
        except UnknownSku as error:
            raise ParameterError(error.message, error.hint) from None
        if as_json:
            typer.echo(json.dumps(answer, indent=2))
        else:
            show(console(), answer)


def show(out: Console, answer: dict[str, Any]) -> None:
    """A row for units and one for sales, of the products asked about and of all."""
    outside = answer["outside_guardrail"]
    beyond = f", {outside:,} beyond their guardrail" if outside else ""
    out.print(f"{answer['skus']:,} products, {answer['changed']:,} at another price{beyond}")
    table = Table("a week", "now", "then", "change", "90 % interval", box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    for whose, found in (("", answer), (" of all", answer["all"])):
        for name in ("units", "sales"):
            table.add_row(f"  {name}{whose}", *_row(found, name))
    out.print(table)
    out.print(f"release {answer['release']}")


def _row(found: dict[str, Any], name: str) -> tuple[str, str, str, str]:
    now, then = found[f"{name}_now"], found[name]
    change = f"{then / now - 1:+.1%}" if now else ""
    return f"{now:,.2f}", f"{then:,.2f}", change, f"{found[f'{name}_low']:,.2f} to {found[f'{name}_high']:,.2f}"
