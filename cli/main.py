"""`pricewright`: run the weekly job, ask for a price, look after releases."""

import os
import sys
from importlib import metadata
from typing import Annotated

import typer

from blocks.endpoints import boto3_variables
from cli import backfill, decide, deploy, desk, doctor, lineage, look, price, prices, releases, rules, run, serve
from cli.console import full_disk, no_permission, show_error, speak_utf8
from flows.embedded import spare_own_machine
from pricewright.core.errors import PricewrightError

ABOUT = (
    "Learns a demand curve for every product from its sales, and answers at which price sales are highest.\n\n"
    "Start with `pricewright run`: it needs no data, no account and no configuration."
)
app = typer.Typer(
    name="pricewright",
    help=ABOUT,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)


def _say_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"pricewright {metadata.version('pricewright')}")
        raise typer.Exit


@app.callback(help=ABOUT)
def _about(
    version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Say which version this is.")
    ] = False,
) -> None:
    """What holds for every command."""


run.register(app)
look.register(app)
backfill.register(app)
rules.register(app)
price.register(app)
price.register_what_if(app)
prices.register(app)
serve.register(app)
desk.register(app)
releases.register(app)
lineage.register(app)
serve.register_up(app)
serve.register_prefect(app)
deploy.register(app)
deploy.register_deploy_flows(app)
deploy.register_block_setup(app)
decide.register(app)
doctor.register(app)
releases.register_audit(app)
run.register_stage(app)


def main() -> None:
    """Entry point: our own errors are shown in a line with a hint, their exit code says whose turn it is."""
    # Threads that wait shall sleep: on shared cores, spinning ones slowed LightGBM down 24 times. Read at its import.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    speak_utf8()
    spare_own_machine(os.environ)
    for name, value in boto3_variables(os.environ).items():
        os.environ.setdefault(name, value)
    if os.environ.get("PRICEWRIGHT_TRACE"):
        app()
    try:
        app()
    except PricewrightError as error:
        show_error(error)
        sys.exit(error.exit_code)
    except Exception as error:
        if (known := full_disk(error) or no_permission(error)) is None:
            raise
        show_error(known)
        sys.exit(known.exit_code)


if __name__ == "__main__":
    main()
