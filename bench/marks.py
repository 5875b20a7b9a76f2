"""Pages that a command and a person write together: the figures stand between two marks, the words around them stay."""

from collections.abc import Sequence
from pathlib import Path

END = "<!-- to here -->"


def begin(command: str) -> str:
    """The mark from which on the command writes."""
    return f"<!-- {command} writes from here -->"


def write_between(page: Path, command: str, parts: Sequence[str]) -> None:
    """Put the parts between the marks of the command; a page that is not there is made. SystemExit without marks."""
    if not page.exists():
        page.write_text(f"# {page.stem.capitalize()}\n\n{begin(command)}\n\n{END}\n")
    before, _, rest = page.read_text().partition(begin(command))
    _, mark, after = rest.partition(END)
    if not mark:
        raise SystemExit(f"{page} lacks the marks {begin(command)} and {END}: nothing tells where the figures go.")
    page.write_text("\n\n".join([before + begin(command), *(part.strip() for part in parts), END + after]))
