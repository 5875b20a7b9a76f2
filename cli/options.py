"""Options that commands share: source, lake, columns, mapping, parameters."""

from pathlib import Path
from typing import Annotated, Any

import typer

from pricewright.core.errors import ParameterError, SourceError
from tasks.workspace import Workspace, find_root, parse_overrides

Source = Annotated[
    str,
    typer.Option(
        help="CSV, Parquet or xlsx file of sales, a folder or s3://bucket/prefix of them. Default: a simulated market."
    ),
]
Store = Annotated[str, typer.Option(help="The lake: a folder or s3://bucket/prefix. Default: ./lake.")]
Stores = Annotated[str, typer.Option(help="A file of the stores with their zones, whose stores share their prices.")]
Products = Annotated[
    str, typer.Option(help="A file of the products: category, brand, cost, and the floor and ceiling of their prices.")
]
Stock = Annotated[
    str, typer.Option(help="A file of the stock: store, product, day or week, and 0 or 1 or the units on hand.")
]
Rules = Annotated[str, typer.Option(help="A file of rules that the plan keeps to, as docs/rules.example.yaml.")]
Params = Annotated[
    list[str] | None, typer.Option(help="A number of params.yaml for this run, as train.seed=7; repeatable.")
]
Columns = Annotated[list[str] | None, typer.Option(help="A column's name in the file, as invoice=BillNo; repeatable.")]
Mapping = Annotated[
    str, typer.Option(help="A file that `look --out` wrote: columns and parameters; --column and --param go before it.")
]
ServedStore = Annotated[str, typer.Option(help="The lake; default: that of the last run.")]
Name = Annotated[str, typer.Option(help="The channel.")]


def parse_asked(
    param: list[str] | None, column: list[str] | None, mapping: str = ""
) -> tuple[dict[str, str], dict[str, Any]]:
    """Columns by word and parameters, those of the mapping below those of the command line. Raises ParameterError."""
    from tasks.source import with_mapping

    return with_mapping(mapping, parse_columns(column or []), parse_overrides(param or []))


def parse_columns(texts: list[str]) -> dict[str, str]:
    """`invoice=BillNo` and its like, by the name that Pricewright uses."""
    pairs = [text.partition("=") for text in texts]
    wrong = [
        text for text, (name, equals, header) in zip(texts, pairs, strict=True) if not (name and equals and header)
    ]
    if wrong:
        raise ParameterError(f"{wrong[0]!r} is not a column.", hint="write --column name=header, as invoice=BillNo.")
    return {name.strip(): header.strip() for name, _, header in pairs}


def whole_path(source: str) -> str:
    """A source that another process shall find. Raises SourceError when there is none."""
    if not source or "://" in source:
        return source
    if not (path := Path(source).expanduser().resolve()).exists():
        raise SourceError(f"{source} does not exist.", hint="--source names a file or folder of sales.")
    return str(path)


def chosen_store(store: str) -> str:
    """The lake that was asked for, else that of the last run."""
    return store or Workspace(find_root()).store
