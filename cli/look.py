"""`pricewright look`: how a file of sales would be read, and what can be learnt of it, before a run."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cli.console import console, quiet
from cli.options import Columns, Mapping, Params, parse_asked
from tasks.workspace import find_root, overlay, read_parameters

if TYPE_CHECKING:
    from pricewright.look import Look

Source = Annotated[str, typer.Argument(help="CSV, Parquet or xlsx file of sales, a folder or s3://bucket/prefix.")]
Out = Annotated[str, typer.Option("--out", help="Write what was found to this file, for `run --mapping`.")]
AsJson = Annotated[bool, typer.Option("--json", help="All of it, for programs.")]
COLOUR = {"stops": "red", "warns": "yellow", "note": "dim"}
SHOWN = 6  # tables of a source; --json has all of them


def register(app: typer.Typer) -> None:
    """Add the command to the app."""

    @app.command(name="look")
    def _look(
        source: Source,
        column: Columns = None,
        param: Params = None,
        mapping: Mapping = "",
        out: Out = "",
        as_json: AsJson = False,
    ) -> None:
        """Show how a file of sales would be read, and what a run could learn of it; nothing is run.

        The first rows of every file are read as `run` reads them all. Exit code 2: the source cannot be used.
        """
        from pricewright.look import look
        from tasks.source import bring_in, write_mapping

        root = find_root()
        columns, overrides = parse_asked(param, column, mapping)
        params = overlay(read_parameters(root / "params.yaml"), overrides)
        with quiet():
            found = look(Path(bring_in(root, source)).expanduser(), params, columns)
        if out:
            asked = overrides.get("ingest", {})
            write_mapping(Path(out), Path(source).name, found.mapping | {"ingest": found.mapping["ingest"] | asked})
        if as_json:
            typer.echo(json.dumps(found.as_dict(), indent=2))
        else:
            show(console(), source, found)
            if out:
                console().print(f"\nwritten: {escape(out)}  (pricewright run --source ... --mapping {escape(out)})")


def show(out: Console, source: str, found: "Look") -> None:
    """The tables, where their rows go, what they cover, and what a run would say of them."""
    counts = found.counts
    sample = "" if found.whole else "; there are more: the first ones are shown"
    out.print(f"[bold]{escape(Path(source).name)}[/]  {counts['rows']:,} rows{sample}")
    for name, facts in list(found.tables.items())[:SHOWN]:
        out.print()
        _show_table(out, name, facts)
    if len(found.tables) > SHOWN:
        out.print(f"\n  and {len(found.tables) - SHOWN} more tables: --json has all of them")
    out.print()
    _show_lines(out, _numbers(found))
    if found.findings:
        out.print()
    for finding in found.findings:
        out.print(f"  [{COLOUR[finding.kind]}]{finding.kind:<6}[/] {escape(finding.words)}", soft_wrap=True)
        if finding.hint:
            out.print(f"  {'':<6} [dim]{escape(finding.hint)}[/]", soft_wrap=True)


def _show_table(out: Console, name: str, facts: dict[str, Any]) -> None:
    if "columns" not in facts:
        out.print(f"  {escape(name)}: left out, {escape(facts['left out'])}")
        return
    _show_lines(out, [(name, f"{facts['rows']:,} rows"), *_written(facts)])
    table = Table(box=None, show_header=False, pad_edge=False)
    for word, column in facts["columns"].items():
        table.add_row(f"    {word}", escape(column))
    out.print(table)
    if facts["not used"]:
        out.print(f"    [dim]not used: {escape(', '.join(facts['not used']))}[/]", soft_wrap=True)


def _show_lines(out: Console, lines: list[tuple[str, str]]) -> None:
    for name, words in lines:
        out.print(f"  {escape(name):<15} {escape(words)}", soft_wrap=True)


def _written(facts: dict[str, Any]) -> list[tuple[str, str]]:
    """How a table is written, as far as its file had to be understood."""
    separator = {"\t": "tab"}.get(facts.get("separator", ""), facts.get("separator", ""))
    texts = {
        "header": f"in row {facts['header_row']}" if "header_row" in facts else "",
        "separator": separator,
        "encoding": facts.get("encoding", ""),
        "numbers": f"{facts.get('numbers', '')}  {facts.get('assumed', '')}".strip(),
        "dates": facts["dates"],
        "currency": facts.get("currency", ""),
        "export of": facts["schema"],
    }
    return [(name, str(words)) for name, words in texts.items() if words]


def _numbers(found: "Look") -> list[tuple[str, str]]:
    counts = found.counts
    reasons = ", ".join(f"{reason} {rows:,}" for reason, rows in counts["reasons"].items())
    return [
        ("accepted", f"{counts['accepted']:,} rows, {counts['equal_rows']:,} of them equal to another one"),
        ("quarantined", f"{counts['quarantined']:,}{f' ({reasons})' if reasons else ''}"),
        ("duplicates", f"{counts['duplicates']:,}"),
        ("weeks", f"{counts['weeks']} with sales, {counts['first_time'][:10]} to {counts['last_time'][:10]}"),
        ("lines a week", f"{found.lines_per_week:,.1f}"),
        ("products", f"{counts['skus']:,}, {found.learnt:,} of them can be learnt from"),
        ("prices", f"of {found.moved:,} of these products ever moved"),
    ]
