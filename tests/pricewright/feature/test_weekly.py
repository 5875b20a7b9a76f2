"""The panel week by week is the panel of all weeks at once, byte for byte, and a new week costs itself alone."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pricewright.core.errors import SourceError
from pricewright.feature import build_panel
from pricewright.feature.weekly import ROWS, IncrementalPanel, WeeklyPanel
from pricewright.items import chain_of
from pricewright.partitions import partition_files, write_partitions


class Shop:
    """Transactions as the ingest leaves them, and the panel that is made of them, in one folder."""

    def __init__(self, folder: Path, params: Mapping[str, Any]) -> None:
        self.folder, self.params = folder, dict(params)

    def build(self, lines: pl.DataFrame, name: str = "shelves") -> WeeklyPanel:
        write_partitions(lines, self.folder / "raw", "invoice_time")
        panel = IncrementalPanel(self.folder / name, self.params).build(partition_files(self.folder / "raw"))
        panel.write(self.folder / "panel")
        return panel

    def held(self, folder: str = "panel") -> dict[str, str]:
        files = partition_files(self.folder / folder)
        return {week: hashlib.sha256(path.read_bytes()).hexdigest() for week, path in files.items()}

    def check(self, panel: WeeklyPanel, lines: pl.DataFrame) -> None:
        """What lies on disk is what all transactions at once give."""
        whole = build_panel(lines, self.params)
        write_partitions(whole.rows, self.folder / "whole", "week")
        assert self.held() == self.held("whole")
        assert panel.ending.coming.equals(whole.coming)
        assert panel.ending.catalog.equals(whole.catalog)
        assert panel.ending.counts == whole.counts


@pytest.fixture
def shop(tmp_path: Path, params: Mapping[str, Any]) -> Shop:
    return Shop(tmp_path, params)


CANCELLED = "cancelled_in_week"
WEEK = pl.col("invoice_time").dt.strftime("%G-W%V")


def weeks_of(lines: pl.DataFrame) -> list[str]:
    return lines.select(WEEK.unique().sort()).to_series().to_list()


def test_weeks_that_come_one_by_one_give_the_panel_of_all_at_once(lines: pl.DataFrame, shop: Shop) -> None:
    weeks = weeks_of(lines)
    assert shop.build(lines.filter(weeks[63] >= WEEK)).made == 64
    made = [shop.build(lines.filter(weeks[last] >= WEEK)).made for last in (64, 65, 69)]
    assert made == [1, 1, 4]
    panel = shop.build(lines)
    assert panel.made == 0, "three days more are no week"
    shop.check(panel, lines)


def test_a_week_that_was_corrected_is_made_again_with_those_after_it(lines: pl.DataFrame, shop: Shop) -> None:
    shop.build(lines)
    weeks = weeks_of(lines)
    dearer = pl.when(weeks[30] == WEEK).then(pl.col("unit_price") * 1.2).otherwise("unit_price")
    corrected = lines.with_columns(unit_price=dearer)
    panel = shop.build(corrected)
    assert panel.made == 40
    shop.check(panel, corrected)


def test_another_home_country_changes_the_weeks_that_knew_the_old_one(lines: pl.DataFrame, shop: Shop) -> None:
    shop.build(lines)
    french = pl.when(weeks_of(lines)[2] >= WEEK).then(pl.lit("France")).otherwise("country")
    moved = lines.with_columns(country=french)
    shop.check(shop.build(moved), moved)


def test_skus_that_sold_too_rarely_are_in_no_week_and_come_in_when_they_sold_enough(
    lines: pl.DataFrame, shop: Shop
) -> None:
    shop.params["min_selling_weeks"] = 60
    early = lines.filter(weeks_of(lines)[62] >= WEEK)
    shop.check(shop.build(early), early)
    few = pl.read_parquet(shop.folder / "panel" / "**" / "*.parquet")["stock_code"].n_unique()
    shop.check(shop.build(lines), lines)
    assert pl.read_parquet(shop.folder / "panel" / "**" / "*.parquet")["stock_code"].n_unique() > few


def test_what_a_shop_states_beside_its_sales_comes_through_week_by_week(lines: pl.DataFrame, shop: Shop) -> None:
    weeks, remainder = weeks_of(lines), pl.col("row") % 7
    empty = remainder == 3
    stated = lines.with_columns(
        category=pl.when(remainder < 5).then(pl.format("{}-{}", pl.col("stock_code").str.slice(0, 2), remainder)),
        promotion=pl.when(remainder < 2).then(remainder / 2),
        channel=pl.when(remainder > 1).then(pl.lit("web")),
        in_stock=pl.when(empty).then(False),
        **{name: pl.when(empty).then(0).otherwise(name) for name in ("quantity", "units", "cancelled", CANCELLED)},
    )
    shop.build(stated.filter(weeks[65] >= WEEK))
    panel = shop.build(stated)
    assert panel.made == 4
    shop.check(panel, stated)
    assert panel.ending.coming["category"].null_count() == 0


def test_weeks_without_stock_are_found_wherever_the_walk_begins(lines: pl.DataFrame, shop: Shop) -> None:
    weeks, busy = weeks_of(lines), lines.group_by("stock_code").len().sort("len", "stock_code")["stock_code"].tail(9)
    gone = WEEK.is_in(weeks[60:67]) & pl.col("stock_code").is_in(busy.implode())
    left = lines.filter(~gone)
    shop.build(left.filter(weeks[63] >= WEEK))
    panel = shop.build(left)
    assert panel.made == 6
    shop.check(panel, left)
    rows = pl.read_parquet(shop.folder / "panel" / "**" / "*.parquet")
    assert rows.filter(~pl.col("in_stock")).height > 40


def test_a_week_without_a_kept_sku_leaves_no_file(
    sold: Callable[..., pl.DataFrame], shop: Shop, params: Mapping[str, Any]
) -> None:
    sales = [("2024-01-01", "RARE", 1, 2.0)] + [(f"2024-01-{day:02d}", "A", 1, 1.0) for day in (8, 15, 22, 29)]
    shop.params["min_selling_weeks"] = 4
    lines = sold(*sales, cancelled_in_week=[0] * 5)
    panel = shop.build(lines)
    assert sorted(panel.parts) == ["2024-W02", "2024-W03", "2024-W04", "2024-W05"]
    shop.check(panel, lines)


def test_a_file_on_the_shelf_that_was_altered_is_made_again(lines: pl.DataFrame, shop: Shop) -> None:
    shop.build(lines)
    before = shop.held()
    torn = sorted((shop.folder / "shelves" / "rows").glob(f"*/{ROWS}"))[5]
    content = torn.read_bytes()
    torn.unlink()
    torn.write_bytes(content[:-9])
    assert shop.build(lines).made > 0
    assert shop.held() == before


def test_no_week_of_any_sku_is_an_error_that_names_the_rule(sold: Callable[..., pl.DataFrame], shop: Shop) -> None:
    with pytest.raises(SourceError, match="no SKU sold in 10 full weeks or more"):
        shop.build(sold(("2024-01-07", "20001", 3, 1.0), cancelled_in_week=[0]))
    with pytest.raises(SourceError, match="0 accepted transactions"):
        shop.build(sold().with_columns(cancelled_in_week=pl.lit(0)))


def test_a_stock_file_makes_only_the_weeks_that_it_speaks_of_and_those_after_them_again(
    lines: pl.DataFrame, shop: Shop
) -> None:
    shop.build(lines)
    mondays = lines["invoice_time"].dt.truncate("1w").dt.date().unique().sort()
    code = lines["stock_code"][0]
    stock = pl.DataFrame({"stock_code": [code], "week": [mondays[60]], "out": [True]})
    chain = replace(chain_of("zone", lines), stock=stock)
    panel = IncrementalPanel(shop.folder / "shelves", shop.params, chain).build(partition_files(shop.folder / "raw"))
    assert panel.made == 10
    panel.write(shop.folder / "panel")
    write_partitions(build_panel(lines, shop.params, chain=chain).rows, shop.folder / "whole", "week")
    assert shop.held() == shop.held("whole")
