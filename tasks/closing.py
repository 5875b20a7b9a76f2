"""How a run ends: a page about all of it, the reports beside the release, and a person asked for a decision."""

import json
from typing import Any

from prefect.client.schemas.objects import State

from pricewright.backups import model_names
from tasks.fresh import compare, skip_all
from tasks.markdown import cells, links, table
from tasks.movers import biggest_moves, count_moves, read_price_list
from tasks.reports import publish_reports, report_files, report_links
from tasks.run import Outcome, Run

MOVES = 10
RELEASE_DEPLOYMENT = "release-model/on-demand"


def nothing_changed(run: Run) -> State[Outcome]:
    """The end of a run that found nothing to do: a state of that name, and what was compared."""
    from prefect.artifacts import create_table_artifact
    from prefect.states import Completed

    compared = compare(run)
    outcome = skip_all(run)
    words = f"{len(compared)} files, folders and parameters are as they were; {outcome.release} is served as before."
    create_table_artifact(cells(compared), key="compared", description=words)
    return Completed(name="Nothing changed", message=words, data=outcome)


def summarise(run: Run) -> Outcome:
    """Publish the gates' reports and leave a page about the whole run."""
    from prefect.artifacts import create_markdown_artifact

    outcome = run.outcome()
    run.bring("work/price_list.parquet", *(f"work/{path}" for path in report_files().values()))
    publish_reports(run.workspace, run.lake, outcome.release)
    create_markdown_artifact(summary_page(run, outcome), key="summary", description=f"release {outcome.release}")
    return outcome


def summary_page(run: Run, outcome: Outcome) -> str:
    """Markdown: what each stage did and why, how good the models are, which prices move, where the reports are."""
    train = json.loads(run.workspace.metrics("train").read_text())
    prices = read_price_list((run.workspace.work / "price_list.parquet").read_bytes())
    measures = [{"model": name, **train["models"][name]} for name in model_names() if name in train["models"]]
    parts = [
        f"# {run.week}: release {outcome.release}",
        f"Promoted to `{run.workspace.parameters['promote']['channel']}`." if outcome.promoted else "Served as before.",
        "## Stages",
        table([_stage_row(entry) for entry in outcome.stages]),
        "## Models, one week ahead",
        table(measures),
        "## Prices",
        count_moves(prices),
        table(biggest_moves(prices, MOVES)),
        "## Reports",
        links(report_links(run.lake, outcome.release)),
    ]
    return "\n\n".join(parts)


def ask_for_decision(run: Run, release: str, channel: str) -> str:
    """Start a run of release-model that waits for a person; returns its name. Once per release and channel."""
    from prefect.deployments import run_deployment

    request: dict[str, Any] = {"release": release, "store": run.lake.url, "channel": channel}
    asked = run_deployment(
        RELEASE_DEPLOYMENT,
        parameters={"request": request},
        timeout=0,
        as_subflow=False,
        idempotency_key=f"{run.lake.url} {release} {channel}",
    )
    return str(getattr(asked, "name", ""))


def _stage_row(entry: Any) -> dict[str, Any]:
    why = "; ".join(str(reason) for reason in entry.reasons[:3])
    more = f" and {len(entry.reasons) - 3} more" if len(entry.reasons) > 3 else ""
    return {"stage": entry.stage, "how": entry.how, "seconds": round(entry.seconds, 1), "why": why + more}
