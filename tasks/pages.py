"""What a stage leaves in Prefect's UI: its page, its tables of numbers, the largest price moves."""

import io
import json
import time
from typing import Any
from uuid import UUID

import polars as pl

from tasks.gates import Metrics, gates_of
from tasks.ledger import Entry
from tasks.markdown import per_cent, shown, table, table_cells
from tasks.prefect_tasks import tell_gate, tell_release
from tasks.stage import Progress
from tasks.workspace import Workspace

SHOWN = ("stock_code", "description", "current_price", "optimal_price", "gain", "sales_uplift", "uplift_probability")
MOVES = 20
PACE = 2.0  # seconds between two updates of a bar
Table = list[dict[str, Any]]


def read_price_list(body: bytes) -> pl.DataFrame:
    """The table of price_list.parquet, with a `store` that is null in a list of before there were stores."""
    table = pl.read_parquet(io.BytesIO(body))
    return table if "store" in table.columns else table.with_columns(store=pl.lit(None, pl.String))


def by_expected_gain(prices: pl.DataFrame) -> pl.DataFrame:
    """The list, the largest expected gain first; the most valuable SKUs where none moves."""
    gain = (pl.col("expected_sales") - pl.col("current_expected_sales")) * pl.col("uplift_probability").fill_null(0.5)
    return prices.sort([gain, pl.col("current_expected_sales")], descending=True)


def biggest_moves(prices: pl.DataFrame, count: int) -> list[dict[str, Any]]:
    """Rows of the SKUs whose price moves, the largest expected gain first; `gain`: sales a week, money."""
    moving = prices.filter(pl.col("optimal_price") != pl.col("current_price"))
    moving = moving.with_columns(gain=pl.col("expected_sales") - pl.col("current_expected_sales"))
    shown: tuple[str, ...] = (SHOWN[0], "store", *SHOWN[1:]) if prices["store"].count() else SHOWN
    shown += ("profit_now", "profit") if "profit" in prices.columns and prices["profit"].count() else ()
    return by_expected_gain(moving).head(count).select(shown).to_dicts()


def readable_moves(moves: Table) -> Table:
    """Those rows for a person: prices with their cents, changes and shares in per cent."""
    return [
        {
            "code": str(row["stock_code"]),
            **({"store": row["store"]} if "store" in row else {}),
            "description": row["description"],
            "now": f"{row['current_price']:,.2f}",
            "proposed": f"{row['optimal_price']:,.2f}",
            "change": per_cent(row["optimal_price"] / row["current_price"] - 1),
            "gain a week": f"{row['gain']:+,.2f}",
            "its sales": per_cent(row["sales_uplift"]),
            "probability": per_cent(row["uplift_probability"], sign=False),
        }
        for row in moves
    ]


def count_moves(prices: pl.DataFrame) -> str:
    """How many prices of the list are to be changed, and what for."""
    moving = prices.filter(pl.col("optimal_price") != pl.col("current_price"))
    before = float(prices["current_expected_sales"].sum())
    uplift = float(prices["expected_sales"].sum()) / before - 1 if before > 0 else 0.0
    return f"{moving.height:,} of {prices.height:,} prices move, {uplift:+.1%} weekly sales expected"


def leave_artifacts(workspace: Workspace, entry: Entry, line: str, metrics: Metrics) -> None:
    """In a Prefect run: a line in its log, the stage's page, its tables, and an event for who waits for one."""
    from prefect import get_run_logger
    from prefect.artifacts import create_markdown_artifact, create_table_artifact

    get_run_logger().info("%s in %.1f s: %s", entry.how, entry.seconds, line)
    first = line.splitlines()[0]
    create_markdown_artifact(key=entry.stage, markdown=page(entry, line, metrics), description=first)
    for key, rows in tables(workspace, entry.stage, metrics).items():
        create_table_artifact(table_cells(rows), key=key, description=first)
    for gate in gates_of(entry.stage):
        verdict = metrics.get(gate, metrics)  # of a gate of its own name a stage has no other numbers
        tell_gate(gate, verdict["status"], verdict["worst"])
    if entry.stage == "promote" and entry.how == "ran":
        tell_release(metrics["release"], metrics["channel"], metrics["previous"])


def tables(workspace: Workspace, stage: str, metrics: Metrics) -> dict[str, Table]:
    """The tables of a stage, by key; none of a stage that was skipped because another machine has done it."""
    verdicts = {gate: workspace.work / gate / "verdict.json" for gate in gates_of(stage)}
    found = {
        f"{gate}-checks": json.loads(path.read_text())["checks"] for gate, path in verdicts.items() if path.exists()
    }
    if stage == "train" and (workspace.work / "price_list.parquet").exists():
        models = [{"model": name, **values} for name, values in metrics["models"].items()]
        moves = biggest_moves(read_price_list((workspace.work / "price_list.parquet").read_bytes()), MOVES)
        return {"metrics": models, "moves": readable_moves(moves), **found}
    return found


def page(entry: Entry, line: str, metrics: Metrics) -> str:
    """Markdown of a stage in this run."""
    why = [f"- {shown(str(reason))}" for reason in entry.reasons] or ["- nothing changed since it last ran"]
    numbers = [{"name": name, "value": value} for name, value in _flat(metrics)]
    return "\n".join(
        [f"# {entry.stage}: {entry.how}", *map(shown, line.splitlines()), "## Why", *why, "## Numbers", table(numbers)]
    )


class Bar:
    """Passes on what a stage tells, and shows its share as a progress bar in Prefect's UI."""

    def __init__(self, watching: Progress) -> None:
        self._watching = watching
        self._artifact: UUID | None = None
        self._next = 0.0

    def begin(self, stage: str) -> None:
        """See Progress."""
        self._watching.begin(stage)

    def advance(self, stage: str, share: float, words: str) -> None:
        """See Progress; the bar moves every few seconds."""
        self._watching.advance(stage, share, words)
        if time.monotonic() >= self._next:
            self._show(stage, share, words)
            self._next = time.monotonic() + PACE

    def end(self, entry: Entry, line: str) -> None:
        """See Progress."""
        if self._artifact is not None:
            self._show(entry.stage, 1.0, line)
        self._watching.end(entry, line)

    def _show(self, stage: str, share: float, words: str) -> None:
        from prefect.artifacts import create_progress_artifact, update_progress_artifact

        if self._artifact is None:
            self._artifact = _id(create_progress_artifact(100 * share, key=f"{stage}-progress", description=words))
        else:
            update_progress_artifact(self._artifact, 100 * share, description=words)


def _id(made: Any) -> UUID:
    return UUID(str(made))


def _flat(metrics: Metrics, at: str = "") -> list[tuple[str, Any]]:
    rows: list[tuple[str, Any]] = []
    for name, value in metrics.items():
        rows += _flat(value, f"{at}{name}.") if isinstance(value, dict) else [(f"{at}{name}", value)]
    return rows
