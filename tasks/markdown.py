"""Markdown as Prefect's UI shows it: tables, numbers, links."""

from collections.abc import Mapping, Sequence
from typing import Any

DIGITS, WHOLE = 4, 1000  # of a fraction that are read; from here on numbers are whole
MOST_SHOWN = 200  # characters of a text in a cell
# A browser fetches what a picture names, and follows what a link says: names of products are neither.
PLAIN = str.maketrans({"\\": "\\\\", "|": "\\|", "[": "\\[", "]": "\\]", "<": "&lt;", "&": "&amp;", "`": "'"})


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """One line per row under the names of the first; a dash where there is none."""
    if not rows:
        return "-"
    names = list(rows[0])
    lines = [names, ["---"] * len(names), *([shown(row[name]) for name in names] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def links(found: Mapping[str, str]) -> str:
    """A list of links; addresses that a browser cannot open are shown as they are."""
    web = ("http://", "https://")
    parts = [f"- [{words}]({url})" if url.startswith(web) else f"- {words}: `{url}`" for words, url in found.items()]
    return "\n".join(parts) or "-"


def per_cent(share: float, *, sign: bool = True) -> str:
    """0.0123 as +1.2 %; a tenth of a per cent is the least that is said."""
    rounded = round(100 * share, 1) or 0.0
    return f"{rounded:{'+' if sign and rounded else ''},.1f} %"


def count(value: float) -> str:
    """A number of things, or of money, in whole ones."""
    return f"{value:,.0f}"


def table_cells(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows of a table artifact: numbers in few digits; its texts are taken for Markdown, each by itself."""
    return [{name: _cell(value) for name, value in row.items()} for row in rows]


def _cell(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}") if abs(value) < WHOLE else round(value)
    return value if value is None or isinstance(value, int) else shown(value)


def shown(value: Any) -> str:
    """A value in a cell: numbers short; what would break the table, or be HTML, a link or a picture, is plain text."""
    if value is None or value != value:
        return "-"
    if isinstance(value, float):
        return f"{value:,.{DIGITS}g}" if abs(value) < WHOLE else f"{value:,.0f}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    if isinstance(value, list | tuple):
        return ", ".join(map(shown, value)) or "-"
    return " ".join(str(value).split())[:MOST_SHOWN].translate(PLAIN)
