"""How a run ends: the prices with the largest gains, as the price API gives them, and where to look next."""

import json
import os
import shlex
import shutil
import sys
from typing import Any

import polars as pl
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from blocks.channel import Channel, Pointer
from blocks.lake import Lake
from pricewright.core.item import Item
from pricewright.core.manifest import MANIFEST, PLAN, PRICE_LIST, Manifest, release_key
from tasks.gates import GATES
from tasks.pages import by_expected_gain, count_moves, read_price_list
from tasks.run import Outcome
from tasks.smoke import PriceApi
from tasks.workspace import Workspace

ROWS = 10
DESCRIPTION = 32  # characters


def show_summary(out: Console, workspace: Workspace, outcome: Outcome) -> None:
    """Asks the Lambda handler for the prices it shows, so that the last thing a run proves is that they are served.

    It asks the run's own release: somebody else may have moved the channel since, and then that is said.
    """
    lake, channel = Lake(workspace.store), str(workspace.parameters["promote"]["channel"])
    api = PriceApi(workspace.store, release=outcome.release)
    # Of the release, not of the workspace: another machine may have made it.
    prices = read_price_list(lake.read(release_key(outcome.release, PRICE_LIST)).body)
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
    manifest = Manifest.from_json(lake.read(release_key(release, MANIFEST)).body)
    if PLAN not in manifest.files:
        return ""
    plan = json.loads(lake.read(release_key(release, PLAN)).body)
    line = (
        f"the plan promises {plan['uplift']:+.1%} weekly sales (90 %: {plan['uplift_low']:+.1%} to "
        f"{plan['uplift_high']:+.1%}; probability {plan['probability']:.2f}){_profit(plan)}"
    )
    if not workspace.simulated:
        return line
    return f"{line}; in truth, known of a simulated market, it brings {_truth(workspace, prices):+.1%}"


def _profit(plan: dict[str, Any]) -> str:
    """What it does to profit, of the SKUs whose unit cost is known."""
    if plan.get("profit_gain") is None:
        return ""
    some = "" if plan["costed"] == plan["skus"] else f", of the {plan['costed']:,} SKUs whose unit cost is known"
    return (
        f" and {plan['profit_gain']:+,.2f} weekly profit on {plan['profit_now']:,.2f} (90 %: "
        f"{plan['profit_gain_low']:+,.2f} to {plan['profit_gain_high']:+,.2f}{some})"
    )


def _truth(workspace: Workspace, prices: pl.DataFrame) -> float:
    from pricewright.worlds.default import true_uplift

    return true_uplift(workspace.parameters["market"], prices)


def _moved(pointer: Pointer) -> str:
    return escape(f"{pointer.release}, promoted by {pointer.promoted_by} at {pointer.promoted_at}")


def _table(answers: list[dict[str, Any]]) -> Table:
    table = Table(
        "SKU", "description", "now", "optimal", "its sales", "probability", "answered by", box=None, pad_edge=False
    )
    for column in table.columns[2:6]:
        column.justify = "right"
    for answer in answers:
        chance = answer["uplift_probability"]
        table.add_row(
            escape(Item(answer["stock_code"], answer["store"]).as_code),
            escape(answer["description"][:DESCRIPTION]),
            f"{answer['current_price']:.2f}",
            f"{answer['optimal_price']:.2f}",
            f"{answer['sales_uplift']:+.1%}",
            "" if chance is None else f"{chance:.2f}",
            answer["model"],
        )
    return table


def _next(workspace: Workspace, outcome: Outcome, prices: pl.DataFrame) -> list[tuple[str, str]]:
    folder = f"{workspace.store.rstrip('/')}/releases/{outcome.release}"
    (first,) = _items(prices, 1)
    return [
        ("price list", f"{folder}/price_list.parquet"),
        ("a demand curve", f"{_command()} price {shlex.quote(str(first))}"),
        ("the gates", ", ".join(gate.look for gate in GATES.values())),
        ("the numbers", "work/metrics/, dvc metrics show, dvc plots show"),
        ("another release", f"{_command()} releases, promote, roll-back"),
    ]


def _items(prices: pl.DataFrame, count: int) -> list[Item]:
    best = by_expected_gain(prices).head(count)
    return [Item(code, store) for code, store in best.select("stock_code", "store").iter_rows()]


def _command() -> str:
    """How the user calls this program: its name where the shell finds it, else the way to it from here."""
    return "pricewright" if shutil.which("pricewright") else os.path.relpath(sys.argv[0])
