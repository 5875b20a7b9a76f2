"""`pricewright prices export`: the prices of a release as a file that tills read."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from cli.console import console, quiet
from cli.options import Name, ServedStore, chosen_store
from pricewright.files import write_whole

Out = Annotated[str, typer.Option("--out", help="The file to write.")]
TemplateFile = Annotated[str, typer.Option("--template", help="What the till wants, as docs/tills.example.yaml.")]
Day = Annotated[
    datetime | None,
    typer.Option("--date", formats=["%Y-%m-%d"], help="From when on. Default: the Monday after the release's data."),
]
Release = Annotated[str, typer.Option("--release", help="Default: the release that the channel serves.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    prices = typer.Typer(no_args_is_help=True, help="Hand the prices of a release on.")
    app.add_typer(prices, name="prices")

    @prices.callback()
    def _prices() -> None:
        """Hand the prices of a release on."""

    @prices.command(name="export")
    def _export(
        out: Out,
        template: TemplateFile = "",
        day: Day = None,
        release: Release = "",
        store: ServedStore = "",
        channel: Name = "production",
    ) -> None:
        """Write the prices as a file that tills read: a row per store and code, in the till's columns and locale."""
        from blocks.lake import Lake
        from pricewright.tills import Template, read_template
        from tasks.tills import make_till_file

        wanted = read_template(Path(template)) if template else Template()
        with quiet():
            made = make_till_file(Lake(chosen_store(store)), wanted, channel, release, day.date() if day else None)
        write_whole(Path(out), made.body)
        console().print(f"{out}: {made.rows:,} prices of {made.release}, from {made.effective} on", markup=False)
