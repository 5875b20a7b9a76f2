"""A table as a file holds it, before anything is read into it: its name, its rows, the number of its first row."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from pricewright.core.errors import SourceError

HEADER_ROWS = 1  # text files and sheets: the header is row 1, as editors and Excel count


@dataclass(frozen=True)
class Table:
    """`first_row` is the number that the file's own tools give to the first row of `frame`.

    facts: how the file was read, where that had to be found out: the `separator` of a text.
    """

    name: str
    frame: pl.DataFrame
    first_row: int = 1
    sheet: bool = False  # one of several sheets of a workbook: it may hold something else
    facts: Mapping[str, Any] = field(default_factory=dict)

    def row(self, index: int) -> int:
        """The number of a row of `frame` in the file."""
        return self.first_row + index


def with_rows(table: Table) -> Table:
    """The table. Raises SourceError when it has no columns or no rows."""
    if table.frame.width == 0:
        raise SourceError(f"{table.name} is empty: a header and sales lines are needed.", "was the export cut off?")
    if table.frame.height == 0:
        names = ", ".join(table.frame.columns)
        raise SourceError(f"{table.name} has a header ({names}) and no row below it.", "was the export cut off?")
    return table
