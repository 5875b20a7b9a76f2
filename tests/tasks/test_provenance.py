"""From a release back to what it came from, and what two releases differ in."""

import io
import json
import subprocess
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from blocks.lake import Lake
from pricewright.core.errors import LedgerError, ReleaseError, UnknownSku
from pricewright.core.item import Item
from tasks.lock import object_key
from tasks.provenance import (
    commit_of,
    differences,
    origin_key,
    read_descent,
    read_origin,
    read_sku,
    used_parameters,
    write_origin,
)
from tasks.workspace import Workspace, configure
from testing.synthetic_release import contents

PARAMS = Path(__file__).parents[2] / "params.yaml"
SKU = "A"


def put(lake: Lake, body: bytes) -> str:
    """Keep an object as DVC would; its hash."""
    import hashlib

    digest = hashlib.md5(body, usedforsecurity=False).hexdigest()
    lake.write_new(object_key(digest), body)
    return digest


def parquet(frame: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    return buffer.getvalue()


def folder(lake: Lake, parts: dict[str, pl.DataFrame]) -> str:
    """A folder of week partitions in the lake; the hash of its listing."""
    listing = [
        {"md5": put(lake, parquet(frame)), "relpath": f"week={week}/part.parquet"} for week, frame in parts.items()
    ]
    body = json.dumps(listing).encode()
    digest = put(lake, body) + ".dir"
    lake.write_new(object_key(digest), body)
    return digest


def lines(sku: str, rows: list[tuple[int, str, float]]) -> pl.DataFrame:
    table = [
        {"stock_code": sku, "source": "sales.csv", "row": row, "invoice": invoice, "quantity": 2, "unit_price": price,
         "invoice_time": f"2011-11-2{row}"} for row, invoice, price in rows
    ]  # fmt: skip
    return pl.DataFrame(table)


def lock(lake: Lake, factor: int, raw: dict[str, pl.DataFrame]) -> dict[str, Any]:
    """What dvc.lock says after a run of two stages."""
    panel = {week: frame.group_by("stock_code").agg(price=pl.col("unit_price").mean(), units=pl.col("quantity").sum())
             for week, frame in raw.items()}  # fmt: skip
    return {
        "ingest": {
            "deps": [{"path": "sales.csv", "md5": "5" * 32}, {"path": "pricewright/worlds/market.py", "md5": "7" * 32}],
            "params": {"params.yaml": {"ingest.gate": {"a": 1, "b": factor}}, "run.yaml": {"overrides.ingest": {}}},
            "outs": [{"path": "work/raw", "md5": folder(lake, raw)}],
        },
        "feature": {
            "deps": [{"path": "work/raw", "md5": "1" * 32}],
            "params": {"params.yaml": {"feature.weeks": 4}, "run.yaml": {"overrides.feature": {"weeks": 9}}},
            "outs": [{"path": "work/panel", "md5": folder(lake, panel)}],
        },
    }


WEEKS = {
    "2011-W47": lines(SKU, [(1, "500", 2.0), (2, "501", 4.0)]),
    "2011-W48": pl.concat([lines(SKU, [(3, "502", 3.0)]), lines("B", [(4, "503", 1.0)])]),
}


class Shop:
    """A workspace whose releases are written as promote writes them, with a lake."""

    def __init__(self, root: Path) -> None:
        (root / "params.yaml").write_text(PARAMS.read_text())
        (root / "pricewright" / "worlds").mkdir(parents=True)
        (root / "pricewright/worlds/market.py").write_text("# the first")
        (root / "sales.csv").write_text("invoice\n")
        self.at: Workspace = configure(root, "sales.csv", str(root / "lake"))
        self.lake = Lake(self.at.store)
        self.level = 0.0

    def release(
        self,
        factor: int,
        raw: dict[str, pl.DataFrame] = WEEKS,
        *,
        ledger: bool = True,
        made: dict[str, Any] | None = None,
    ) -> str:
        """Write a release; its id."""
        from pricewright.release import write_bundle
        from tasks.releases import write_release

        path = self.at.root / "dvc.lock"
        path.unlink(missing_ok=True)
        if ledger:
            path.write_text(yaml.safe_dump({"schema": "2.0", "stages": lock(self.lake, factor, raw)}))
        self.level += 0.1
        made = made or contents(self.level)
        folder = self.at.work / "release"
        manifest = write_bundle(
            folder, made["models"], made["catalog_arrays"], made["price_list"], made["backtest"], made["plan"],
            made["price_changes"], metrics={}, gates={},
            lineage=write_origin(self.at, self.lake, {"PRICEWRIGHT_COMMIT": "c0ffee"}), week="2011-W48",
            created="2011-12-05T06:00:00Z",
        )  # fmt: skip
        write_release(self.lake, folder, manifest)
        return manifest.id


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def test_a_release_names_the_hashes_of_all_that_it_came_from(shop: Shop) -> None:
    lineage = read_descent(shop.lake, shop.release(2))
    assert set(lineage.weeks["raw"]) == set(lineage.weeks["panel"]) == set(WEEKS)
    assert lineage.origin["code"]["files"].keys() == {"pricewright/worlds/market.py"}
    assert lineage.origin["code"]["commit"] == "c0ffee"
    assert lineage.parameters == {"feature.weeks": 9, "ingest.gate.a": 1, "ingest.gate.b": 2}
    assert lineage.overridden == ("feature.weeks",)
    assert json.loads(json.dumps(lineage.as_dict()))["files"]["network.onnx"]["size"] > 0


def test_an_origin_is_kept_under_its_own_hash_and_an_altered_one_is_none(shop: Shop) -> None:
    lineage = read_descent(shop.lake, shop.release(2))
    key = origin_key(lineage.lineage["origin"])
    blob = shop.lake.read(key)
    shop.lake.swap(key, blob, blob.body.replace(b"c0ffee", b"decafe"))
    assert read_origin(shop.lake, lineage.lineage) == {}


def test_the_same_release_has_the_same_id_wherever_it_came_from(shop: Shop, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    again = Shop(other)
    assert shop.release(2) == again.release(3)


def test_a_release_made_without_a_ledger_is_shown_with_what_it_has(shop: Shop) -> None:
    old = read_descent(shop.lake, shop.release(2, ledger=False))
    assert (old.origin, old.parameters, dict(old.weeks["raw"])) == ({}, {}, {})
    assert old.lineage == {"data": "unknown", "code": "unknown", "params": "unknown"}
    new = read_descent(shop.lake, shop.release(2))
    assert differences(old, new)["parameters"]["hash"][0] == "unknown"
    with pytest.raises(LedgerError, match="does not say which panel partitions"):
        read_sku(shop.lake, old, contents(0.0)["price_list"]["stock_code"][0])


def test_two_releases_differ_in_named_parameters_files_and_weeks(shop: Shop) -> None:
    one = shop.release(2)
    (shop.at.root / "pricewright/worlds/market.py").write_text("# the second")
    late = {**WEEKS, "2011-W48": lines(SKU, [(3, "502", 3.0)])}
    other = shop.release(3, late)
    found = differences(read_descent(shop.lake, one), read_descent(shop.lake, other))
    assert found["parameters"] == {"ingest.gate.b": [2, 3]}
    assert set(found["code"]) == {"pricewright/worlds/market.py"}
    assert set(found["data"]) == {"raw 2011-W48", "panel 2011-W48"}
    same = differences(read_descent(shop.lake, one), read_descent(shop.lake, one))
    assert same == {"data": {}, "code": {}, "parameters": {}}


def test_a_price_is_followed_to_its_panel_rows_and_sales_lines(shop: Shop) -> None:
    lineage = read_descent(shop.lake, shop.release(2))
    price = pl.read_parquet(io.BytesIO(shop.lake.read(f"releases/{lineage.release}/price_list.parquet").body))
    known = price["stock_code"][0]
    renamed = {week: frame.with_columns(stock_code=pl.col("stock_code").replace(SKU, known)) for week, frame in
               WEEKS.items()}  # fmt: skip
    lineage = read_descent(shop.lake, shop.release(2, renamed))
    sku = read_sku(shop.lake, lineage, known)
    assert sku.panel.select("week", "price", "units", "lines").rows() == [
        ("2011-W47", 3.0, 4, 2),
        ("2011-W48", 3.0, 2, 1),
    ]
    assert sku.lines.select("source", "row", "invoice").rows() == [
        ("sales.csv", 1, "500"), ("sales.csv", 2, "501"), ("sales.csv", 3, "502")]  # fmt: skip
    assert read_sku(shop.lake, lineage, known, "501").lines["row"].to_list() == [2]
    with pytest.raises(UnknownSku, match="has no price of ZZZ"):
        read_sku(shop.lake, lineage, "ZZZ")


def test_a_release_that_is_not_there_is_named(shop: Shop) -> None:
    with pytest.raises(ReleaseError, match="has no release 2011-W48-00000000"):
        read_descent(shop.lake, "2011-W48-00000000")


def test_what_a_run_asked_for_is_laid_over_the_numbers() -> None:
    stage = {"params": {"params.yaml": {"tune.network": {"budget": 8, "rows": 5}},
                        "run.yaml": {"overrides.tune": {"network": {"budget": 1}}, "store": "./lake"}}}  # fmt: skip
    used, asked = used_parameters({"stages": {"tune": stage}})
    assert used == {"tune.network.budget": 1, "tune.network.rows": 5}
    assert asked == ("tune.network.budget",)


def test_the_commit_of_a_checkout_is_known_and_whether_it_was_changed(tmp_path: Path) -> None:
    assert commit_of(tmp_path, {}) == {"commit": "", "changed": False}
    own = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b.c"]
    (tmp_path / "code.py").write_text("1")
    for words in (["init", "-q"], ["add", "code.py"], ["commit", "-qm", "first"]):
        subprocess.run([*own, *words], check=True)
    commit = commit_of(tmp_path, {})
    assert len(commit["commit"]) == 40 and not commit["changed"]
    (tmp_path / "code.py").write_text("2")
    assert commit_of(tmp_path, {"PRICEWRIGHT_COMMIT": "x"}) == commit | {"changed": True}


def test_a_price_of_a_chain_is_followed_to_the_lines_of_all_stores_of_its_zone(shop: Shop) -> None:
    zones = {"1": "North", "2": "North", "3": "South"}
    made = contents(codes=[f"{SKU}@North", f"{SKU}@South", f"{SKU}9@North"], zones=zones)
    sold = pl.concat([lines(SKU, [(3, f"50{n}", 3.0)]).with_columns(store=pl.lit(str(n))) for n in (1, 2, 3)])
    lineage = read_descent(shop.lake, shop.release(2, {"2011-W47": sold}, made=made))
    sku = read_sku(shop.lake, lineage, Item(SKU, "2"), "")
    assert sku.price.select("stock_code", "store").rows() == [(SKU, "North")]
    assert sku.lines["invoice"].to_list() == ["501", "502"]
    with pytest.raises(UnknownSku):
        read_sku(shop.lake, lineage, Item(SKU, "West"))
