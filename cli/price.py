"""`pricewright price` and `what-if`: ask what the price API would answer."""

import json
from itertools import product
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cli.console import console
from cli.options import Name, ServedStore, chosen_store
from pricewright.core.errors import ParameterError, UnknownSku
from pricewright.core.item import Item
from tasks.workspace import Workspace, find_root

SHOWN = 12  # prices of the curve; --json has all of them

Least = Annotated[float | None, typer.Option("--min", help="Lowest price of the curve. Default: the guardrail.")]
Most = Annotated[float | None, typer.Option("--max", help="Highest price of the curve. Default: the guardrail.")]
Bins = Annotated[int | None, typer.Option("--bins", help="Prices of the curve. Default: price.bins.")]
AsJson = Annotated[bool, typer.Option("--json", help="The whole answer, as the price API gives it.")]
Category = Annotated[str, typer.Option(help="Products of this category, as the price list's family names it.")]
Skus = Annotated[list[str] | None, typer.Option("--sku", help="This product; may be given several times.")]
InStore = Annotated[str, typer.Option("--in", help="The store or zone, where prices differ by store.")]
Zone = Annotated[str, typer.Option("--zone", help="Products of this zone or store, where prices differ by store.")]
ByShare = Annotated[str, typer.Option("--change", help="By how much prices change, such as -10% or +2.5%.")]
Price = Annotated[float | None, typer.Option("--price", help="What each of the products costs then.")]
Prices = Annotated[str, typer.Option("--prices", help="A file of prices, with columns for code, store and price.")]
AllNumbers = Annotated[bool, typer.Option("--json", help="All numbers, as the price API gives them.")]


def register(app: typer.Typer) -> None:
    """Add the command to the app."""

    @app.command(name="price")
    def _price(
        sku: Annotated[str, typer.Argument(help="The stock code, as in the sales lines; CODE@STORE in a chain.")],
        inside: InStore = "",
        least: Least = None,
        most: Most = None,
        bins: Bins = None,
        store: ServedStore = "",
        channel: Name = "production",
        as_json: AsJson = False,
    ) -> None:
        """Ask for the best price of a product, and its demand curve; the Lambda handler answers, in this process."""
        from tasks.smoke import PriceApi

        api = PriceApi(chosen_store(store), channel)
        item = Item(sku, inside) if inside else Item.parse(sku)
        answer = api.price(item, unitprice_min=least, unitprice_max=most, num_price_bins=bins)
        if as_json:
            typer.echo(json.dumps(answer, indent=2))
        else:
            show(console(), answer)


def show(out: Console, answer: dict[str, Any]) -> None:
    """The recommendation in words, and the curve as a table."""
    store = f"  in {escape(answer['store'])}" if answer["store"] else ""
    out.print(f"[bold]{escape(answer['stock_code'])}[/]{store}  {escape(answer['description'])}")
    for name, words in _lines(answer):
        out.print(f"  {name:<15} {escape(words)}")
    out.print(_curve(answer["curve"]))


def _lines(answer: dict[str, Any]) -> list[tuple[str, str]]:
    guardrail = f"guardrail {answer['guardrail_low']:.2f} to {answer['guardrail_high']:.2f}"
    chance = answer["uplift_probability"]
    sure = "" if chance is None or not answer["sales_uplift"] else f", with probability {chance:.2f}"
    lines = [
        ("current price", f"{answer['current_price']:.2f}"),
        ("optimal price", f"{answer['optimal_price']:.2f}   ({guardrail})"),
        ("weekly sales", f"{answer['expected_sales']:,.2f} expected, {answer['sales_uplift']:+.1%}{sure}"),
        *_money(answer),
        *_promise(answer),
        ("why", answer["reason"]),
        ("answered by", f"{answer['model']} of release {answer['release']}"),
    ]
    return lines + [("not by", f"{skipped['model']}: {skipped['why']}") for skipped in answer["fallbacks"]]


def _money(answer: dict[str, Any]) -> list[tuple[str, str]]:
    """Profit where a unit cost is known, and what tax takes where its rate is."""
    lines = []
    if answer["profit"] is not None:
        cost = f"at a unit cost of {answer['unit_cost']:,.2f}"
        lines.append(("weekly profit", f"{answer['profit']:,.2f} expected, {answer['profit_now']:,.2f} now, {cost}"))
    if answer["tax_rate"] is not None:
        prices = f"{answer['price_with_tax']:,.2f} with it, {answer['price_without_tax']:,.2f} without"
        lines.append(("tax", f"{answer['tax_rate']:.1%}: the price is {prices}; sales and profit are without it"))
    return lines


def _promise(answer: dict[str, Any]) -> list[tuple[str, str]]:
    """What the plan promises for a price that moves, and with whom the product competes."""
    low, high = answer["promised_low"], answer["promised_high"]
    promised = [("promised", f"{low:+.1%} to {high:+.1%} sales with the whole plan")] if low is not None else []
    family = [("competes in", answer["family"])] if answer["family"] else []
    return (promised if answer["moved"] else []) + family


def _curve(curve: dict[str, list[float | None]]) -> Table:
    table = Table("  price", "units a week", "90 % interval", "sales", box=None, pad_edge=False)
    for column in table.columns:
        column.justify = "right"
    count = len(curve["unit_price"])
    step = max(count - 1, 1) / max(min(SHOWN, count) - 1, 1)
    for row in sorted({round(i * step) for i in range(min(SHOWN, count))}):
        at = {name: values[row] for name, values in curve.items()}
        interval = "" if at["quantity_min"] is None else f"{at['quantity_min']:,.0f} to {at['quantity_max']:,.0f}"
        table.add_row(f"{at['unit_price']:,.2f}", f"{at['quantity']:,.1f}", interval, f"{at['predicted_sales']:,.2f}")
    return table


def register_what_if(app: typer.Typer) -> None:
    """Add the command to the app."""

    @app.command(name="what-if")
    def _what_if(
        category: Category = "",
        zone: Zone = "",
        sku: Skus = None,
        change: ByShare = "",
        price: Price = None,
        prices: Prices = "",
        store: ServedStore = "",
        channel: Name = "production",
        as_json: AllNumbers = False,
    ) -> None:
        """Say what other prices would do to units, sales and profit of a week: of some products, and of the whole shop.

        Neither --category, --zone nor --sku means all products. What a product wins from the others of its family, or
        loses to them, is taken into account; prices are taken as asked, also beyond the guardrail. --prices asks for a
        whole file of them, and is answered by category and zone, with the rules of single products that they break.
        """
        from tasks.smoke import PriceApi

        listed = read_asked(prices) if prices else []
        asked = {"category": category, "store": zone, "change": change, "price": price, "prices": listed}
        if listed and (sku or any(value for name, value in asked.items() if name != "prices")):
            raise ParameterError("--prices is given with another choice.", hint="leave out all but --prices.")
        items = [Item.parse(text) for text in sku or ()]
        try:
            answer = PriceApi(chosen_store(store), channel).what_if(items, **asked)
        except UnknownSku as error:
            raise ParameterError(error.message, error.hint) from None
        if as_json:
            typer.echo(json.dumps(answer, indent=2))
        else:
            show_what_if(console(), answer)


def read_asked(file: str) -> list[dict[str, Any]]:
    """The prices of a file as the price API takes them."""
    from pricewright.ingest.products import read_prices

    return read_prices(Path(file), Workspace(find_root()).parameters["ingest"]).to_dicts()


def show_what_if(out: Console, answer: dict[str, Any]) -> None:
    """A row for units, one for sales and one for profit, where a cost is known, of the products and of all."""
    outside = answer["outside_guardrail"]
    beyond = f", {outside:,} beyond their guardrail" if outside else ""
    out.print(f"{answer['skus']:,} products, {answer['changed']:,} at another price{beyond}")
    table = Table("a week", "now", "then", "change", "90 % interval", box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    for whose, found in (("", answer), (" of all", answer["all"])):
        for name in ("units", "sales", "profit"):
            if found[f"{name}_now"] is not None:
                table.add_row(f"  {name}{whose}", *_row(found, name))
    out.print(table)
    if 0 < answer["costed"] < answer["skus"]:
        out.print(f"profit is that of the {answer['costed']:,} products whose unit cost is known")
    for what, name in product(("category", "zone"), ("sales", "profit")):
        found = answer.get(f"by_{what}", {})
        if any(numbers[f"{name}_now"] is not None for numbers in found.values()):
            out.print(_grouped(what, name, found))
    if answer.get("breaks_count"):
        first = answer["breaks"][0]
        first_break = f"first {first['stock_code']} at {first['price']:g}: {first['rule']}"
        out.print(f"{answer['breaks_count']:,} times a rule of a single product is broken; {first_break}", markup=False)
    out.print(f"release {answer['release']}")


def _grouped(what: str, name: str, found: dict[str, Any]) -> Table:
    table = Table(what, f"{name} now", "then", "change", "90 % interval", box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    for group, numbers in found.items():
        if numbers[f"{name}_now"] is not None:
            table.add_row(f"  {escape(group) or 'none'}", *_row(numbers, name))
    return table


def _row(found: dict[str, Any], name: str) -> tuple[str, str, str, str]:
    now, then = found[f"{name}_now"], found[name]
    change = f"{then / now - 1:+.1%}" if now > 0 else ""
    return f"{now:,.2f}", f"{then:,.2f}", change, f"{found[f'{name}_low']:,.2f} to {found[f'{name}_high']:,.2f}"
