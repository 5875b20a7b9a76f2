"""A whole run under rules: the plan keeps to them, says what they come to, and other rules train again and no more."""

import json
from pathlib import Path

import polars as pl
import pytest

from testing.chain_shop import SKUS, chain_shop
from testing.checkout import Checkout, make_checkout

RULES = """
rules:
  - {name: brisk, kind: largest_step, at_most: 30%}
  - {name: one tea price, kind: price_line, where: {category: Tea, zone: South}}
  - {name: nines, kind: endings, endings: [0.99, 0.49]}
  - {name: gone, kind: frozen, where: {sku: "999"}}
  - {name: few labels, kind: most_changes, changes: 12}
"""


def released(shop: Checkout) -> tuple[pl.DataFrame, dict[str, dict[str, object]]]:
    folder = shop.root / "lake" / "releases" / shop.served()
    rows = json.loads((folder / "plan.json").read_text()).get("rules", [])
    return pl.read_parquet(folder / "price_list.parquet"), {row["rule"]: row for row in rows}


@pytest.mark.platform
def test_a_run_keeps_to_its_rules_and_other_rules_train_again(tmp_path: Path) -> None:
    shop = make_checkout(tmp_path)
    chain_shop().write_csv(tmp_path / "sales.csv")
    (tmp_path / "rules.yaml").write_text(RULES)
    asked = ("run", "--source", "sales.csv", "--rules", "rules.yaml")
    done = shop.pricewright(*asked)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "names what the shop does not have: sku 999" in " ".join(done.stdout.split())
    prices, table = released(shop)
    assert prices.height == 2 * SKUS and list(table) == ["brisk", "one tea price", "nines", "gone", "few labels"]
    moved = prices.filter((pl.col("optimal_price") - pl.col("current_price")).abs() > 1e-9)
    assert (moved.height <= 12) or table["few labels"]["not_met"]
    step = (moved["optimal_price"] / moved["current_price"] - 1).abs().max() if moved.height else 0.0
    assert step <= 0.3 + 1e-9 or table["brisk"]["not_met"]
    assert shop.pricewright("rules", "check").returncode == 2  # no item has the code 999
    (tmp_path / "rules.yaml").write_text("rules:\n- {name: still, kind: frozen}\n")
    done = shop.pricewright(*asked)
    assert done.returncode == 0, done.stdout + done.stderr
    stages = {line.split()[1]: line for line in done.stdout.splitlines() if len(line.split()) > 2}
    assert released(shop)[0].filter(pl.col("optimal_price") != pl.col("current_price")).is_empty(), stages
    assert "tune" not in done.stdout or "skipped" in done.stdout
