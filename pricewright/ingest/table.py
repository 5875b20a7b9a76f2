"""A table as a file holds it, before anything is read into it: its name, its rows, the number of its first row."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from pricewright.core.errors import SourceError


@dataclass(frozen=True)
class Table:
    """`first_row` is the number that the file's own tools give to the first row of `frame`.

    facts: how the file was read, where that had to be found out: `header_row`, a text's `encoding` and `separator`.
    """

    name: str
    frame: pl.DataFrame
    first_row: int = 1
    sheet: bool = False  # one of several sheets of a workbook: it may hold something else
    facts: Mapping[str, Any] = field(default_factory=dict)

    def row(self, index: int) -> int:
        """The number of a row of `frame` in the file."""
        return self.first_row + index

    def below(self, header_row: int) -> "Table":
        """The table itself: its header is no row of it."""
        return self


@dataclass(frozen=True)
class Grid:
    """A table whose header may be in any of its first rows, which `top` holds as text, as far as each goes.

    read: gives the rows below a header in the row of this number, counted from 1 on.
    """

    name: str
    top: Sequence[Sequence[str | None]]
    read: Callable[[int], pl.DataFrame]
    sheet: bool = False
    encoding: str = ""
    separator: str = ""

    def below(self, header_row: int) -> Table:
        """The table with its header in this row. Raises SourceError when it has no row."""
        found = {"encoding": self.encoding, "separator": self.separator}
        facts = {"header_row": header_row, **{name: value for name, value in found.items() if value}}
        table = Table(self.name, self.read(header_row), header_row + 1, self.sheet, facts)
        return table if table.sheet else with_rows(table)


def with_rows(table: Table) -> Table:
    """The table. Raises SourceError when it has no columns or no rows."""
    if table.frame.width == 0:
        raise SourceError(f"{table.name} is empty: a header and sales lines are needed.", "was the export cut off?")
    if table.frame.height == 0:
        names = ", ".join(table.frame.columns)
        raise SourceError(f"{table.name} has a header ({names}) and no row below it.", "was the export cut off?")
    return table
