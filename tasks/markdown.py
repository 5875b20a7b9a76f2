"""Markdown as Prefect's UI shows it: tables, numbers, links."""

from collections.abc import Mapping, Sequence
from typing import Any

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


def table_cells(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows of a table artifact: its texts are taken for Markdown, each by itself."""
    return [{name: shown(value) if isinstance(value, str) else value for name, value in row.items()} for row in rows]


def shown(value: Any) -> str:
    """A value in a cell: numbers short; what would break the table, or be HTML, a link or a picture, is plain text."""
    if value is None or value != value:
        return "-"
    if isinstance(value, float):
        return f"{value:,.4g}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return " ".join(str(value).split())[:200].translate(PLAIN)
