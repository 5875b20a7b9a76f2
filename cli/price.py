"""`pricewright price`: asks what the price API would answer."""

import json
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cli.console import console
from cli.served import Name, Store, chosen_store

SHOWN = 12  # prices of the curve; --json has all of them

Least = Annotated[float | None, typer.Option("--min", help="Lowest price of the curve. Default: the guardrail.")]
Most = Annotated[float | None, typer.Option("--max", help="Highest price of the curve. Default: the guardrail.")]
Bins = Annotated[int | None, typer.Option("--bins", help="Prices of the curve. Default: price.bins.")]
AsJson = Annotated[bool, typer.Option("--json", help="The whole answer, as the price API gives it.")]


def register(app: typer.Typer) -> None:
    """Add the command to the app."""

    @app.command(name="price")
    def _price(
        sku: Annotated[str, typer.Argument(help="The stock code, as in the sales lines.")],
        least: Least = None,
        most: Most = None,
        bins: Bins = None,
        store: Store = "",
        channel: Name = "production",
        as_json: AsJson = False,
    ) -> None:
        """Ask for the best price of a product, and its demand curve; the Lambda handler answers, in this process."""
        from pricewright.core.item import Item
        from tasks.ask import PriceApi

        api = PriceApi(chosen_store(store), channel)
        answer = api.price(Item.parse(sku), unitprice_min=least, unitprice_max=most, num_price_bins=bins)
        if as_json:
            typer.echo(json.dumps(answer, indent=2))
        else:
            show(console(), answer)


def show(out: Console, answer: dict[str, Any]) -> None:
    """The recommendation in words, and the curve as a table."""
    out.print(f"[bold]{escape(answer['stock_code'])}[/]  {escape(answer['description'])}")
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
        *_promise(answer),
        ("why", answer["reason"]),
        ("answered by", f"{answer['model']} of release {answer['release']}"),
    ]
    return lines + [("not by", f"{skipped['model']}: {skipped['why']}") for skipped in answer["fallbacks"]]


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
    for place in sorted({round(i * step) for i in range(min(SHOWN, count))}):
        at = {name: values[place] for name, values in curve.items()}
        interval = "" if at["quantity_min"] is None else f"{at['quantity_min']:,.0f} to {at['quantity_max']:,.0f}"
        table.add_row(f"{at['unit_price']:,.2f}", f"{at['quantity']:,.1f}", interval, f"{at['predicted_sales']:,.2f}")
    return table
