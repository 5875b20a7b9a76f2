"""Tables that lie beside the sales and hold none: notes, lists of products. They are left out, and named."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pricewright.core.errors import SourceError
from pricewright.ingest.columns import find_columns, holds_sales
from pricewright.ingest.table import Table


class Refusal(NamedTuple):
    """A table that is left out, and what would be the error if there were no other."""

    name: str
    message: str
    hint: str


def with_sales(
    tables: Sequence[Table], known: Mapping[str, Sequence[str]], asked: Mapping[str, str] | None
) -> tuple[list[Table], list[Refusal]]:
    """The tables that may hold sales, and the others."""
    used = [table for table in tables if holds_sales(table, known, asked)]
    return used, [_refusal(table, known, asked) for table in tables if not holds_sales(table, known, asked)]


def check_any(used: Sequence[object], left_out: Sequence[Refusal]) -> None:
    """Raises SourceError when no table is used."""
    if not used and len(left_out) == 1:
        raise SourceError(left_out[0].message, left_out[0].hint)
    if not used:
        names = ", ".join(refusal.name for refusal in left_out)
        kind = "sheets" if all(refusal.name.endswith("]") for refusal in left_out) else "files"
        raise SourceError(f"none of the {kind} {names} holds sales lines.", "name the columns: --column.")


def _refusal(table: Table, known: Mapping[str, Sequence[str]], asked: Mapping[str, str] | None) -> Refusal:
    try:
        find_columns(table, known, asked)
    except SourceError as error:
        return Refusal(table.name, error.message, error.hint)
    return Refusal(table.name, f"{table.name} has no row below its header.", "was the export cut off?")
