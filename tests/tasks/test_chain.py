"""A chain through the stages ingest and feature: what is written, what is told, and what runs again."""

import shutil
from pathlib import Path

import polars as pl
import pytest

from tasks.feature import FEATURE
from tasks.ingest import INGEST
from tasks.run import open_run
from tasks.stage import do, perform
from tasks.workspace import Workspace, configure
from testing.chain_shop import SKUS, WEEKS, chain_shop
from testing.checkout import make_checkout
from testing.plain_shop import plain_shop

ROOT = Path(__file__).parents[2]
STORES = "Store,Zone\n1,North\n2,North\n3,South\n4,\n9,West\n"
PRODUCTS = "SKU,Brand,Cost,Floor,Ceiling\n501,Own,1.5,2,9\n999,Own,,,\n502,Own,1000,,\n"


def laid_out(folder: Path, lines: pl.DataFrame, *, with_parameters: bool = True) -> Path:
    if with_parameters:
        shutil.copy(ROOT / "params.yaml", folder)
    lines.write_csv(folder / "sales.csv")
    (folder / "stores.csv").write_text(STORES)
    (folder / "products.csv").write_text(PRODUCTS)
    return folder


def feature_summary(workspace: Workspace) -> tuple[str, list[str]]:
    for stage in (INGEST, FEATURE):
        do(stage, workspace)
    line, *notes = FEATURE.summary(pl.read_json(workspace.metrics("feature")).row(0, named=True)).splitlines()
    return line, notes


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    root = laid_out(tmp_path_factory.mktemp("chain"), chain_shop().drop("Zone"))
    beside = {name: str(root / f"{name}.csv") for name in ("stores", "products")}
    return configure(root, str(root / "sales.csv"), str(root / "lake"), beside=beside)


def test_what_the_files_and_the_lines_do_not_share_is_reported(chain: Workspace) -> None:
    line, notes = feature_summary(chain)
    assert line.startswith(f"{3 * SKUS * WEEKS:,} panel rows: {3 * SKUS} items in 3 zones of 4 stores")
    dear = [note for note in notes if "cost more than their current price" in note]
    assert len(dear) == 1 and dear[0].startswith("3 cost more") and "502@4 (1000.0 > " in dear[0]
    assert [note for note in notes if note not in dear] == [
        "1 of the products file have no sales: 999",
        "10 are not in the products file: 503, 504, 505, 506, 507, ...",
        "1 of the stores file have no sales: 9",
        "1 of the stores file have no zone: each is its own: 4",
    ]
    zones = pl.read_parquet(chain.work / "zones.parquet")
    assert zones.rows() == [("1", "North"), ("2", "North"), ("3", "South"), ("4", "4")]
    row = pl.read_parquet(chain.work / "catalog.parquet").filter(pl.col("stock_code") == "501@North").row(0, named=True)
    assert (row["store"], row["unit_cost"], row["floor"], row["ceiling"]) == ("North", 1.5, 2.0, 9.0)


def test_a_shop_without_stores_has_nothing_to_tell(tmp_path: Path) -> None:
    root = laid_out(tmp_path, plain_shop())
    workspace = configure(root, str(root / "sales.csv"), str(root / "lake"))
    line, notes = feature_summary(workspace)
    assert "zones" not in line and notes == []
    assert pl.read_parquet(workspace.work / "zones.parquet").is_empty()


def test_another_store_file_makes_ingest_stale_and_the_same_one_does_not(tmp_path: Path) -> None:
    root = make_checkout(tmp_path / "checkout").root
    laid_out(root, chain_shop(skus=2, weeks=24), with_parameters=False)
    asked = {"source": str(root / "sales.csv"), "store": str(root / "lake")}
    stores = {"stores": str(root / "stores.csv")}
    with open_run(root, **asked, beside=stores) as run:
        perform(INGEST, run)
    with open_run(root, **asked, beside=stores) as run:
        assert run.ledger.why_stale("ingest") == ()
    (root / "stores.csv").write_text(STORES.replace("2,North", "2,South"))
    with open_run(root, **asked, beside=stores) as run:
        assert [reason.what for reason in run.ledger.why_stale("ingest")] == ["stores.csv"]
    with open_run(root, **asked) as run:
        assert run.ledger.why_stale("ingest") != () and run.workspace.beside("stores") is None


def test_only_the_level_of_prices_makes_features_stale(tmp_path: Path) -> None:
    root = make_checkout(tmp_path / "checkout").root
    laid_out(root, chain_shop(skus=2, weeks=24), with_parameters=False)
    asked = {"source": str(root / "sales.csv"), "store": str(root / "lake")}
    with open_run(root, **asked) as run:
        perform(INGEST, run)
        perform(FEATURE, run)
    other = {"objective": "profit", "margin_floor": 0.2, "includes_tax": False}
    with open_run(root, **asked, overrides={"price": other}) as run:
        assert run.ledger.why_stale("feature") == ()
    with open_run(root, **asked, overrides={"price": {"level": "store"}}) as run:
        assert [reason.what for reason in run.ledger.why_stale("feature")] == ["price_level"]
