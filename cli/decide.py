"""`pricewright waiting`, `approve`, `reject`, `sign`: what people decide about releases."""

import os
from collections.abc import MutableMapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.table import Table

from cli.console import console
from cli.deploy import use_prefect
from cli.options import Name, ServedStore, chosen_store
from deployments.stack import KEY_FILE
from tasks.workspace import find_root

if TYPE_CHECKING:
    from pricewright.release.approval import Subject

VALID = 24.0  # hours for which a signature may be used

Run = Annotated[str, typer.Argument(help="Id, name or release of the run. Default: the only one that waits.")]
Release = Annotated[str, typer.Argument(help="The release that the decision is about.")]
Reviewer = Annotated[str, typer.Option(help="Who decides. Default: the user who runs it.")]
Override = Annotated[str, typer.Option(help="Why, where a gate warned; the release's manifest keeps it.")]
Note = Annotated[str, typer.Option(help="Anything else that should be remembered; of a rejection, why.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not show the candidate and ask once more.")]
Hours = Annotated[float, typer.Option(help="How long the signature may be used.", min=0.01, max=24 * 30)]
Verb = Annotated[Literal["approve", "reject"], typer.Option(help="What is signed.")]

Image = Annotated[str, typer.Option(help="repository@sha256:... that is deployed with it. Default: the image stays.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""

    @app.command(name="waiting", rich_help_panel="Decisions")
    def _waiting() -> None:
        """List the releases that wait for a decision."""
        use_prefect()
        from tasks.approval import waiting_runs

        table = Table("run", "release", "channel", "id", box=None, pad_edge=False)
        for run in waiting_runs():
            table.add_row(run.name, run.release, run.channel, str(run.id))
        console().print(table if table.row_count else "nothing waits for a decision.")

    @app.command(name="approve", rich_help_panel="Decisions")
    def _approve(
        run: Run = "", reviewer: Reviewer = "", override: Override = "", note: Note = "", yes: Yes = False
    ) -> None:
        """Release what waits: shows it, signs the decision with PRICEWRIGHT_APPROVAL_KEY, and the run goes on."""
        decide("approve", run, reviewer, override, note, yes=yes)

    @app.command(name="reject", rich_help_panel="Decisions")
    def _reject(run: Run = "", reviewer: Reviewer = "", note: Note = "", yes: Yes = False) -> None:
        """Turn down what waits: the channel stays as it is."""
        decide("reject", run, reviewer, "", note, yes=yes)

    @app.command(name="sign", rich_help_panel="Decisions")
    def _sign(
        release: Release,
        decision: Verb = "approve",
        reviewer: Reviewer = "",
        override: Override = "",
        note: Note = "",
        hours: Hours = VALID,
        channel: Name = "production",
        image: Image = "",
        store: ServedStore = "",
    ) -> None:
        """Print a signed decision: the token for the form in Prefect's UI, or for --approval of deploy and promote.

        It is about what the lake holds of this release now, for one channel or stage, and is used once.
        """
        from blocks.lake import Lake
        from tasks.decisions import subject_of
        from tasks.releases import read_manifest

        if use_own_key(find_root()):
            typer.echo("signed with the key of this checkout's stack", err=True)
        manifest = read_manifest(Lake(chosen_store(store)), release)
        subject = subject_of(manifest, channel, image.rpartition("@")[2])
        typer.echo(signed(subject, decision, reviewer, override, note, hours)["token"])


def use_own_key(root: Path, environment: MutableMapping[str, str] = os.environ) -> bool:
    """Sign with the key of this checkout's stack, where it has one and no other is set; says whether it did."""
    key = root / ".pricewright" / "stack" / KEY_FILE
    if environment.get("PRICEWRIGHT_APPROVAL_KEY") or not key.exists():
        return False
    environment["PRICEWRIGHT_APPROVAL_KEY"] = key.read_text()
    return True


def decide(
    verb: Literal["approve", "reject"], wanted: str, reviewer: str, override: str, note: str, *, yes: bool
) -> None:
    """Show the candidate, sign the decision, and give it to the run that waits."""
    use_prefect()
    from rich.markdown import Markdown

    from blocks.approval_key import ApprovalKey
    from blocks.document import find_document
    from blocks.lake import Lake
    from blocks.lake_block import locate_lake
    from tasks.approval import DecisionForm, answer_run, check_answer, find_waiting
    from tasks.candidate import examine_candidate
    from tasks.review import review_page

    run = find_waiting(wanted)
    store, environment = locate_lake(run.store, find_document)
    candidate = examine_candidate(Lake(chosen_store(store), environment), run.release, run.channel)
    if not yes:
        console().print(Markdown(review_page(candidate)))
    answer = signed(candidate.subject, verb, reviewer, override, note, VALID)
    check_answer(DecisionForm(**answer), candidate, find_document(ApprovalKey))
    if not yes:
        typer.confirm(f"{verb} {run.release} for {run.channel}?", abort=True)
    answer_run(run, answer)
    ends = "it will be served within a minute" if verb == "approve" else f"{run.channel} stays as it is"
    console().print(f"{verb}: {run.release}, {ends}.", markup=False)


def signed(
    subject: "Subject", verb: Literal["approve", "reject"], reviewer: str, override: str, note: str, hours: float
) -> dict[str, Any]:
    """The answer of the form, with its signature."""
    from blocks.approval_key import approval_key
    from pricewright.release.approval import Approval
    from tasks.releases import current_user, now

    approval = Approval(subject, verb, reviewer or current_user(), now() + timedelta(hours=hours), override, note)
    token = approval_key(os.environ).sign(approval)
    answer = {"decision": verb, "reviewer": approval.reviewer, "override": override, "note": note}
    return answer | {"token": token}
