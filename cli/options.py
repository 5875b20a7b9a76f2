"""What a run can be asked for on the command line; `run` and `configure` share it."""

from typing import Annotated

import typer

from pricewright.core.errors import ParameterError

Source = Annotated[
    str,
    typer.Option(
        help="CSV, Parquet or xlsx file of sales, a folder or s3://bucket/prefix of them. Default: a simulated market."
    ),
]
Store = Annotated[str, typer.Option(help="The lake: a folder or s3://bucket/prefix. Default: ./lake.")]
Params = Annotated[
    list[str] | None, typer.Option(help="A number of params.yaml for this run, as train.seed=7; repeatable.")
]
Columns = Annotated[list[str] | None, typer.Option(help="A column's name in the file, as invoice=BillNo; repeatable.")]


def parse_columns(texts: list[str]) -> dict[str, str]:
    """`invoice=BillNo` and its like, by the name that Pricewright uses."""
    pairs = [text.partition("=") for text in texts]
    wrong = [
        text for text, (name, equals, header) in zip(texts, pairs, strict=True) if not (name and equals and header)
    ]
    if wrong:
        raise ParameterError(f"{wrong[0]!r} is no column.", hint="write --column name=header, as invoice=BillNo.")
    return {name.strip(): header.strip() for name, _, header in pairs}
