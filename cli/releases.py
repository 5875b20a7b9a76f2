"""`pricewright releases`, `promote`, `roll-back`, `audit`: which release is served, and whether all is whole."""

from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from cli.console import console, quiet
from cli.options import Name, ServedStore, chosen_store
from tasks.markdown import shown
from tasks.workspace import Workspace, find_root

if TYPE_CHECKING:
    from blocks.lake import Lake


MOST_COMPARED = 20  # prices that differ

Prune = Annotated[
    bool, typer.Option("--prune", help="First remove all but the newest promote.keep_releases and those in use.")
]
Token = Annotated[
    str,
    typer.Option(
        envvar="PRICEWRIGHT_APPROVAL", help="A signed decision, where decisions move the channel: pricewright sign."
    ),
]
Fresh = Annotated[bool, typer.Option("--fresh", help="Also build transactions and panel once more, and compare bytes.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""

    @app.command(name="releases")
    def _releases(store: ServedStore = "", prune: Prune = False) -> None:
        """List the releases of the lake, the newest first, and which of them the channels serve."""
        from blocks.channel import Channel, channels
        from blocks.lake import Lake
        from tasks.releases import read_releases

        lake = Lake(chosen_store(store))
        if prune:
            _prune(lake)
        served = {name: Channel(lake, name).read() for name in channels(lake)}
        table = Table("release", "week", "created", "gates", "WAPE", "served by", box=None, pad_edge=False)
        for release in read_releases(lake):
            names = [name for name, pointer in served.items() if pointer and pointer.release == release.id]
            table.add_row(release.id, release.week, release.created, release.gates, release.wape, ", ".join(names))
        console().print(table if table.row_count else f"{lake.url} holds no release yet: pricewright run.")

    @app.command(name="compare")
    def _compare(
        first: Annotated[str, typer.Argument(help="A release of the lake.")],
        second: Annotated[str, typer.Argument(help="Another one.")],
        store: ServedStore = "",
    ) -> None:
        """Compare two releases: what their plans promise, forecast errors, gates, and the prices that differ."""
        from blocks.lake import Lake
        from tasks.candidate import compare_releases

        out = console()
        facts, prices = compare_releases(Lake(chosen_store(store)), first, second)
        for rows in (facts, prices[:MOST_COMPARED]):
            if rows:
                table = Table(*rows[0], box=None, pad_edge=False)
                for row in rows:
                    table.add_row(*(escape(shown(value)) for value in row.values()))
                out.print(table)
                out.print()
        more = f", the first {MOST_COMPARED} are above" if len(prices) > MOST_COMPARED else ""
        out.print(f"{len(prices):,} recommended prices differ{more}")

    @app.command(name="promote")
    def _promote(
        release: Annotated[str, typer.Argument(help="Default: the release of the last run.")] = "",
        store: ServedStore = "",
        channel: Name = "production",
        approval: Token = "",
    ) -> None:
        """Serve a release of the lake: verify its files, ask it for prices, move the channel's pointer."""
        from blocks.lake import Lake
        from tasks.releases import decided_promotion, last_release

        workspace = Workspace(find_root())
        lake = Lake(store or workspace.store)
        smoke_skus = int(workspace.parameters["promote"]["smoke_skus"])
        pointer = decided_promotion(lake, release or last_release(workspace), channel, smoke_skus, approval)
        console().print(f"{channel} serves {pointer.release} (before: {pointer.previous or 'nothing'})")

    @app.command(name="roll-back")
    def _roll_back(
        release: Annotated[str, typer.Argument(help="Default: the release served before the present one.")] = "",
        store: ServedStore = "",
        channel: Name = "production",
        approval: Token = "",
    ) -> None:
        """Serve an earlier release again, without Prefect and in about a second; warm price APIs follow within 30 s."""
        from blocks.lake import Lake
        from tasks.releases import decided_roll_back

        pointer = decided_roll_back(Lake(chosen_store(store)), channel, release, "", approval)
        console().print(f"{channel} serves {pointer.release} again (before: {pointer.previous})")


def _prune(lake: "Lake") -> None:
    from tasks.releases import current_user, now
    from tasks.retention import retain

    keep = int(Workspace(find_root()).parameters["promote"]["keep_releases"])
    removed = retain(lake, keep, current_user(), now)
    console().print(f"removed: {', '.join(removed) or 'nothing'} (the newest {keep} stay, and what channels need)")


def register_audit(app: typer.Typer) -> None:
    """Add the command to the app."""

    @app.command(name="audit", rich_help_panel="Operate")
    def _audit(store: ServedStore = "", fresh: Fresh = False) -> None:
        """Check the invariants: rows accounted for, releases whole, pointers valid, locks and folders consistent.

        It reads and changes nothing; let no run be at work meanwhile. Exit code 1 when anything is wrong.
        """
        from blocks.lake import Lake
        from tasks.audit import audit
        from tasks.releases import known_key

        workspace = Workspace(find_root())
        lake = Lake(store or workspace.store)
        own = workspace if lake.url == Lake(workspace.store).url else None
        out, wrong = console(), 0
        with quiet():
            for checked in audit(lake, own, fresh=fresh, key=known_key()):
                wrong += len(checked.findings)
                mark = "[red]wrong[/]" if checked.findings else "[green]ok   [/]"
                out.print(f"  {mark} {checked.name:<11} {escape(checked.words)}")
                for finding in checked.findings:
                    out.print(f"        {escape(f'{finding.what}: {finding.seen}; the rule: {finding.rule}.')}")
                    out.print(f"        [dim]hint: {escape(finding.hint)}[/]")
        if wrong:
            out.print(f"{wrong} things are wrong in {escape(lake.url)}.")
            raise typer.Exit(1)
