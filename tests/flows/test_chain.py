"""A whole run of a chain: ingested, learnt from, promoted, and asked for the price of a store."""

import json
from pathlib import Path

import polars as pl
import pytest

from testing.chain_shop import CATEGORIES, SKUS, chain_shop
from testing.checkout import make_checkout

PRODUCTS = "SKU,Ceiling\n501,15.00\n"  # less than it costs in either zone


@pytest.mark.platform
def test_a_chain_is_run_promoted_and_asked_by_store(tmp_path: Path) -> None:
    shop = make_checkout(tmp_path)
    shop.change(train={"network": {"members": 2, "epochs": 4}})
    chain_shop().write_csv(tmp_path / "sales.csv")
    (tmp_path / "products.csv").write_text(PRODUCTS)
    done = shop.pricewright("run", "--source", "sales.csv", "--products", "products.csv")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "prices by zone bring +" in done.stdout
    prices = pl.read_parquet(tmp_path / "lake" / "releases" / shop.served() / "price_list.parquet")
    assert prices.height == 2 * SKUS and set(prices["store"]) == {"North", "South"}
    assert set(prices["family"].drop_nulls()) <= set(CATEGORIES)
    assert prices.filter(pl.col("stock_code") == "501")["optimal_price"].max() <= 15.00
    by_zone = prices.group_by("store").agg(pl.col("elasticity").mean()).sort("store")["elasticity"].to_list()
    assert by_zone[0] < by_zone[1] < 0  # the north compares prices
    answer = json.loads(shop.pricewright("price", "502", "--in", "4", "--json").stdout)
    row = prices.filter(pl.col("stock_code") == "502", pl.col("store") == "South").row(0, named=True)
    assert (answer["store"], answer["optimal_price"]) == ("South", pytest.approx(row["optimal_price"]))
    asked = shop.pricewright("what-if", "--zone", "North", "--change", "-10%", "--json")
    assert json.loads(asked.stdout)["skus"] == SKUS
    assert "has a price in each store" in shop.pricewright("price", "502").stderr
