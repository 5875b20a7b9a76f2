"""`pricewright rules check`: what it can say before and after a run."""

import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from cli.rules import check
from pricewright.core.errors import ParameterError
from pricewright.partitions import PART
from tasks.workspace import Workspace, configure

ROOT = Path(__file__).parents[2]
Check = Callable[[str], None]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    (tmp_path / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    return configure(tmp_path)


@pytest.fixture
def checked(workspace: Workspace) -> Check:
    """Checks a text against a shop of two items that cost 4."""
    week = workspace.work / "panel" / "week=2026-W02"
    week.mkdir(parents=True)
    items = {"stock_code": ["501", "502"], "category": ["Juice", "Tea"]}
    pl.DataFrame(items | {"week": [date(2026, 1, 5)] * 2, "list_price": [4.0] * 2}).write_parquet(week / PART)
    prices = {name: [4.0] * 2 for name in ("current_price", "reference_price", "price_min", "price_max")}
    costs = {"unit_cost": [1.0, None], "brand": [None] * 2, "store": [None] * 2}
    pl.DataFrame(items | prices | costs).write_parquet(workspace.work / "catalog.parquet")
    listed = dict.fromkeys(("stock_code", "category", "brand", "size"), pl.String)
    pl.DataFrame(schema=listed).write_parquet(workspace.work / "products.parquet")

    def look(text: str) -> None:
        (workspace.root / "rules.yaml").write_text(text)
        check(workspace.root / "rules.yaml", workspace)

    return look


def test_before_a_run_only_the_file_is_checked(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    check(ROOT / "docs" / "rules.example.yaml", workspace)
    assert "names and contradictions were not checked" in " ".join(capsys.readouterr().out.split())


def test_rules_that_can_be_met_are_counted(checked: Check, capsys: pytest.CaptureFixture[str]) -> None:
    checked("rules:\n- {name: a, kind: floor, price: 3, where: {category: juice}}\n")
    assert re.search(r"1 rules about 2 items", capsys.readouterr().out)


def test_a_code_that_is_not_there_is_reported_with_its_line(checked: Check) -> None:
    with pytest.raises(ParameterError, match="line 2, rule 'a': no item has the sku '503'"):
        checked("rules:\n- {name: a, kind: frozen, where: {sku: '503'}}\n")


def test_contradictions_are_reported_with_the_rules(checked: Check) -> None:
    text = (
        "rules:\n- {name: low, kind: floor, price: 5}\n- {name: far, kind: largest_step, at_most: 50%}\n"
        "- {name: high, kind: ceiling, price: 4.5}\n"
    )
    with pytest.raises(ParameterError, match="line 4, rule 'high' contradicts 'low' for 2 items, as 501"):
        checked(text)
