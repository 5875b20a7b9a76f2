"""Which row of a text file or a sheet is its header: reports have titles, filters and empty lines above it."""

from collections import Counter
from collections.abc import Mapping, Sequence

from pricewright.ingest.columns import count_named
from pricewright.ingest.table import Grid, Table

SEARCHED = 30  # first rows that may be the header
LOOKED_AT = 100  # first rows that say how wide a table is
Cells = Sequence[str | None]


def with_header(table: Table | Grid, known: Mapping[str, Sequence[str]], asked: Mapping[str, str] | None) -> Table:
    """The table below its header. Raises SourceError when there is nothing."""
    return table if isinstance(table, Table) else table.below(find_header(table.top, known, asked) + 1)


def find_header(top: Sequence[Cells], known: Mapping[str, Sequence[str]], asked: Mapping[str, str] | None) -> int:
    """The index of the row that names the most words by names that are known or asked for, of equal ones the first.

    Where no row names two of them: of the rows that are as wide as most, the first that is all text.
    """
    named = [count_named([cell or "" for cell in cells], known, asked) for cells in top[:SEARCHED]]
    if max(named, default=0) > 1:
        return named.index(max(named))
    usual = usual_width(top)
    wide = [index for index, cells in enumerate(top[:SEARCHED]) if width_of(cells) == usual]
    return next((index for index in wide if _is_text(top[index])), wide[0] if wide else 0)


def usual_width(rows: Sequence[Cells]) -> int:
    """The width that most rows have, of those that are not empty."""
    widths = Counter(width for row in rows if (width := width_of(row)))
    return widths.most_common(1)[0][0] if widths else 0


def width_of(cells: Cells) -> int:
    """The number of cells up to the last one that is filled."""
    return max((place for place, cell in enumerate(cells, start=1) if (cell or "").strip()), default=0)


def _is_text(cells: Cells) -> bool:
    """Whether every filled cell is a word, no number or date."""
    filled = [cell.strip() for cell in cells if cell and cell.strip()]
    return all(any(c.isalpha() for c in cell) and not cell[0].isdigit() for cell in filled)
