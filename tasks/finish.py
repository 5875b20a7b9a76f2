"""How a run ends: nothing to do, or a page about all of it and a person asked for a decision."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pricewright.backups import model_names
from tasks.candidate import publish_reports, report_files, report_links
from tasks.markdown import links, table, table_cells
from tasks.pages import biggest_moves, count_moves, read_price_list, readable_moves
from tasks.run import Outcome, Run, kept, open_run
from tasks.stage import perform
from tasks.stages import STAGES
from tasks.workspace import Workspace

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State

MOVES = 10
MOST_AHEAD = 10_000_000  # bytes of files that are read whole: a workbook of these takes 10 s
RELEASE_DEPLOYMENT = "release-model/on-demand"


def prepare(
    root: Path, source: str, store: str, columns: Mapping[str, str], overrides: Mapping[str, Any],
    beside: Mapping[str, str],
) -> tuple[Workspace, bool]:  # fmt: skip
    """Write down what the run is asked for, and say whether every stage is up to date with that.

    Raises SourceError for sales that cannot be used as far as their first rows show: in seconds, before Prefect starts.
    """
    with open_run(root, source, store, columns, overrides, beside=beside) as run:
        fresh = is_fresh(run)
        if not fresh and not run.workspace.simulated:
            look_ahead(run.workspace)
        return run.workspace, fresh


def look_ahead(workspace: Workspace) -> None:
    """Raise SourceError where no table of the first rows of the sales can be used; ingest reads large workbooks."""
    from pricewright.ingest.columns import check_any, with_sales
    from pricewright.ingest.source import find_files
    from pricewright.look import TEXTS, sample

    whole = [path for path in find_files(workspace.source) if path.suffix.lower() not in TEXTS]
    if sum(path.stat().st_size for path in whole) > MOST_AHEAD:
        return
    known = workspace.parameters["ingest"]["columns"]
    check_any(*with_sales(sample(workspace.source, known, workspace.columns).tables, known, workspace.columns))


def pass_over(
    root: Path, source: str, store: str, columns: Mapping[str, str], overrides: Mapping[str, Any],
    beside: Mapping[str, str],
) -> Outcome:  # fmt: skip
    """The run that finds nothing to do: every stage says that it is skipped, and what the lake lacks is published."""
    with open_run(root, source, store, columns, overrides, beside=beside) as run, kept(run):
        return skip_all(run)


def is_fresh(run: Run) -> bool:
    """No stage is stale, and the lake still has what was promoted."""
    if any(stage.why_invalid(run.workspace, run.lake) for stage in STAGES.values()):
        return False
    return not any(run.ledger.why_stale(name) for name in run.ledger.stages)


def skip_all(run: Run) -> Outcome:
    """Every stage says that it is skipped, and what the lake lacks is published."""
    for stage in STAGES.values():
        perform(stage, run)
    return run.outcome()


def compare(run: Run) -> list[dict[str, str]]:
    """What a fresh run compared: a row per stage and file, folder or parameter it reads, with hash or value."""
    return [
        {"stage": name, "what": what, "as before": value}
        for name in run.ledger.stages
        for what, value in run.ledger.inputs(name).items()
    ]


def nothing_changed(run: Run) -> "State[Outcome]":
    """The end of a run that found nothing to do: a state of that name, and what was compared."""
    from prefect.artifacts import create_table_artifact
    from prefect.states import Completed

    compared = compare(run)
    outcome = skip_all(run)
    words = f"{len(compared)} files, folders and parameters are as they were; {outcome.release} is served as before."
    create_table_artifact(table_cells(compared), key="compared", description=words)
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
        table(readable_moves(biggest_moves(prices, MOVES))),
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
        flow_run_name=f"{RELEASE_DEPLOYMENT.partition('/')[0]} {release}",
        timeout=0,
        as_subflow=False,
        idempotency_key=f"{run.lake.url} {release} {channel}",
    )
    return str(getattr(asked, "name", ""))


def _stage_row(entry: Any) -> dict[str, Any]:
    why = "; ".join(str(reason) for reason in entry.reasons[:3])
    more = f" and {len(entry.reasons) - 3} more" if len(entry.reasons) > 3 else ""
    return {"stage": entry.stage, "how": entry.how, "seconds": round(entry.seconds, 1), "why": why + more}
