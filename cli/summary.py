"""How a run ends: the prices with the largest gains, as the price API gives them, and where to look next."""

import os
import shutil
import sys
from typing import Any

import polars as pl
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tasks.ask import PriceApi
from tasks.run import Outcome
from tasks.workspace import Workspace

ROWS = 10
DESCRIPTION = 32  # characters


def show_summary(out: Console, workspace: Workspace, outcome: Outcome) -> None:
    """Asks the Lambda handler for the prices it shows, so that the last thing a run proves is that they are served."""
    api = PriceApi(workspace.store, str(workspace.parameters["promote"]["channel"]))
    prices = pl.read_parquet(workspace.work / "price_list.parquet")
    out.print()
    out.print(_table([api.price(code) for code in largest_gains(prices, ROWS)]))
    out.print()
    words = "promoted" if outcome.promoted else "nothing changed" if not outcome.changed else "served as before"
    out.print(f"[bold]{words}[/]: release {outcome.release}, {moved(prices)}")
    for what, where in _next(workspace, outcome, prices):
        out.print(f"  {what:<16} {escape(where)}", soft_wrap=True)


def largest_gains(prices: pl.DataFrame, count: int) -> list[str]:
    """SKUs whose sales are expected to grow most, given how sure that is; the most valuable ones where none moves."""
    gain = (pl.col("expected_sales") - pl.col("current_expected_sales")) * pl.col("uplift_probability").fill_null(0.5)
    order = [gain, pl.col("current_expected_sales")]
    return prices.sort(order, descending=True).head(count)["stock_code"].to_list()


def moved(prices: pl.DataFrame) -> str:
    """How many prices of the list are to be changed, and what for."""
    moving = prices.filter(pl.col("optimal_price") != pl.col("current_price"))
    before = float(prices["current_expected_sales"].sum())
    uplift = float(prices["expected_sales"].sum()) / before - 1 if before > 0 else 0.0
    return f"{moving.height:,} of {prices.height:,} prices move, {uplift:+.1%} weekly sales expected"


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
    first = largest_gains(prices, 1)[0]
    return [
        ("price list", f"{place}/price_list.parquet"),
        ("a demand curve", f"{_command()} price {first}"),
        ("the gates", "work/drift/report.html, work/fairness/parity.png"),
        ("the numbers", "work/metrics/, dvc metrics show, dvc plots show"),
        ("another release", f"{_command()} releases, promote, roll-back"),
    ]


def _command() -> str:
    """How the user calls this program: its name where the shell finds it, else the way to it from here."""
    return "pricewright" if shutil.which("pricewright") else os.path.relpath(sys.argv[0])
