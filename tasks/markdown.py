"""Markdown as Prefect's UI shows it: tables, numbers, links."""

from collections.abc import Mapping, Sequence
from typing import Any


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """One line per row under the names of the first; a dash where there is none."""
    if not rows:
        return "-"
    names = list(rows[0])
    lines = [names, ["---"] * len(names), *([shown(row[name]) for name in names] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def links(found: Mapping[str, str]) -> str:
    """A list of links; places that a browser cannot open are shown as they are."""
    web = ("http://", "https://")
    parts = [f"- [{words}]({url})" if url.startswith(web) else f"- {words}: `{url}`" for words, url in found.items()]
    return "\n".join(parts) or "-"


def shown(value: Any) -> str:
    """A value in a cell: numbers short, what would break the table or be taken for HTML escaped."""
    if value is None or value != value:
        return "-"
    if isinstance(value, float):
        return f"{value:,.4g}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    text = " ".join(str(value).split())[:200]
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("`", "'")
