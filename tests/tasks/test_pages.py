"""What a shop calls its products is text in Prefect's UI: no HTML, no picture that a browser fetches, no link."""

from typing import Any

import pytest
from markdown_it import MarkdownIt

from tasks.ledger import Entry
from tasks.markdown import shown, table, table_cells
from tasks.pages import page

HOSTILE = (
    '<img src=x onerror="alert(1)">', "<script>alert(1)</script>", "![x](http://evil.example/seen)",
    "[x](javascript:1)",
    "<http://evil.example>", "a | b", "`code`", "\\[x](y)", "&lt;script&gt;", "[x]: http://evil.example", "MUG\n# head",
    "<!--", "]]>", "| --- |", "\\<b>", "![x]", "<b",
)  # fmt: skip
BROWSERS = MarkdownIt("commonmark", {"html": True}).enable("table")  # lets HTML through, as a careless page would


def tags(markdown: str) -> set[str]:
    """Everything in the page that is more than text."""
    found: set[str] = set()
    for token in BROWSERS.parse(markdown):
        found |= {child.type for child in token.children or []} | {token.type}
    return found & {"html_block", "html_inline", "image", "link_open", "code_inline", "fence", "hr", "blockquote_open"}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_in_a_table_is_text(name: str) -> None:
    made = table([{"stock_code": "1", "description": name}, {"stock_code": "2", "description": "MUG"}])
    assert tags(made) == set()
    assert len(made.splitlines()) == 4 and BROWSERS.render(made).count("<td>") == 4


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_in_a_table_artifact_is_text(name: str) -> None:
    """Prefect's UI renders each text of a table artifact as Markdown of its own."""
    ((row),) = table_cells([{"description": name, "price": 1.5, "units": None}])
    assert tags(f"x {row['description']}") == set()
    assert (row["price"], row["units"]) == (1.5, None)


@pytest.mark.parametrize("name", HOSTILE)
def test_what_a_stage_says_and_why_it_ran_is_text(name: str) -> None:
    entry: Any = Entry("train", "ran", 1.0, (name,))
    assert tags(page(entry, name, {name: 1.0})) == set()


def test_an_ordinary_name_stays_as_it_is() -> None:
    assert shown("WHITE HANGING HEART T-LIGHT HOLDER (SET/2) 50% *NEW*") == (
        "WHITE HANGING HEART T-LIGHT HOLDER (SET/2) 50% *NEW*"
    )
