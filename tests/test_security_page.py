"""docs/security.md names, for each control, a test that is there."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "security.md").read_text()
NAMED = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)


def test_every_test_that_the_page_names_exists() -> None:
    assert len(NAMED) > 40
    missing = []
    for file, name in NAMED:
        path = ROOT / file
        tree = ast.parse(path.read_text()) if path.exists() else ast.Module([], [])
        functions = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        if name not in functions:
            missing.append(f"{file}::{name}")
    assert missing == []


def test_every_control_names_its_test() -> None:
    """Every row of the tables of attacks ends with a test, but for the one that says why it needs none."""
    rows = [line for section in PAGE.split("## ")[2:-1] for line in section.splitlines() if line.startswith("| ")]
    bare = [row for row in rows if "::test_" not in row and "held by" not in row]
    assert bare == ["| `price_list.parquet` | as it is: Parquet has types, and no formulas | |"]


def test_the_way_to_report_leads_to_the_page_and_back() -> None:
    assert "docs/security.md" in (ROOT / "SECURITY.md").read_text()
    assert "../SECURITY.md" in PAGE
