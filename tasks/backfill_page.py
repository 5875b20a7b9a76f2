"""How a backfill ends: which weeks were made, what they were before, what changed; seen in Prefect's UI as a page."""

from dataclasses import dataclass
from typing import Any

import polars as pl

from tasks.backfill import Backfill
from tasks.ledger import Entry
from tasks.markdown import table, table_cells
from tasks.steps import STEPS
from tasks.walk_forward import series

SHOWN = 8  # weeks elsewhere that the page lists


@dataclass(frozen=True)
class Backfilled:
    """weeks: a row per week of the range; stages: what each did; walked: the series, without rows if not asked for."""

    weeks: tuple[dict[str, Any], ...]
    stages: tuple[Entry, ...]
    elsewhere: tuple[str, ...]
    walked: pl.DataFrame
    unscored: tuple[dict[str, Any], ...]


def run_stages(backfill: Backfill) -> None:
    """Run the stages that were asked for, in the order of the whiteboard, as far as they are stale."""
    for name in backfill.order.stages:
        STEPS[name](backfill.run)


def summarise(backfill: Backfill) -> Backfilled:
    """Leave the page and the tables; then the backfill is done, and the next one starts over."""
    walked = series(backfill.run.workspace, backfill.order.weeks) if backfill.order.walk_forward else pl.DataFrame()
    outcome = Backfilled(
        weeks=tuple(week_rows(backfill)),
        stages=tuple(backfill.run.entries),
        elsewhere=tuple(backfill.elsewhere),
        walked=walked,
        unscored=tuple(result for result in backfill.walked or [] if result["why"]),
    )
    _leave(backfill, outcome)
    backfill.checkpoint.close()
    return outcome


def week_rows(backfill: Backfill) -> list[dict[str, Any]]:
    """Per week: rows before and now, and what that means."""
    made = {result["week"]: result for result in backfill.results}
    rows = []
    for week in backfill.order.weeks:
        before, now = backfill.before.get(week, {}), made.get(week, {})
        row: dict[str, Any] = {"week": week}
        for kind in ("accepted", "quarantined"):
            row |= {f"{kind} before": before.get(kind), kind: now.get(kind)}
        rows.append(row | {"duplicates": now.get("duplicates"), "what": _what(before, now)})
    return rows


def page(backfill: Backfill, outcome: Backfilled) -> str:
    """Markdown of the whole backfill."""
    order = backfill.order
    changed = sum(row["what"] not in ("as before", "no lines") for row in outcome.weeks)
    more = f" and {len(outcome.elsewhere) - SHOWN} more" if len(outcome.elsewhere) > SHOWN else ""
    parts = [
        f"# {order.first_week} to {order.last_week}: {changed} of {len(outcome.weeks)} weeks changed",
        table(outcome.weeks),
        "## Stages",
        table([{"stage": e.stage, "how": e.how, "seconds": round(e.seconds, 1)} for e in outcome.stages]),
    ]
    if outcome.elsewhere:
        parts.insert(2, f"Rebuilt outside of the range as well: {', '.join(outcome.elsewhere[:SHOWN])}{more}.")
    if order.walk_forward:
        parts += ["## Walk-forward", table(outcome.walked.to_dicts())]
        parts += [f"- {result['week']} has no score: {result['why']}" for result in outcome.unscored]
    return "\n\n".join(parts)


def _what(before: dict[str, Any], now: dict[str, Any]) -> str:
    if not now:
        return "gone" if before else "no lines"
    if not before:
        return "new"
    if not before["digest"]:
        return "rebuilt"
    return "as before" if before["digest"] == now["digest"] else "changed"


def _leave(backfill: Backfill, outcome: Backfilled) -> None:
    from prefect.artifacts import create_markdown_artifact, create_table_artifact
    from prefect.context import FlowRunContext

    if FlowRunContext.get() is None:
        return
    words = f"{backfill.order.first_week} to {backfill.order.last_week}"
    create_markdown_artifact(page(backfill, outcome), key="backfill", description=words)
    if outcome.walked.height:
        rows = outcome.walked.with_columns(pl.col("week").cast(pl.String)).to_dicts()
        create_table_artifact(table_cells(rows), key="walk-forward-series", description=words)
