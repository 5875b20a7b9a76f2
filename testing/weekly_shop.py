"""A checkout whose source is a folder with a file per week, and what its workspace and lake hold."""

import hashlib
import shutil
from collections.abc import Callable
from copy import copy
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from pricewright.partitions import iso_week
from pricewright.worlds.market import simulate
from testing.checkout import Checkout, make_checkout

WEEKS = 24
FIRST = date(2024, 1, 1)
SECOND = pl.duration(seconds=1)


class WeeklyShop:
    """A small simulated market, exported week by week into `exports/`."""

    def __init__(self, root: Path, weeks: int = WEEKS) -> None:
        self.checkout: Checkout = make_checkout(root)
        self.root, self.source, self.weeks = root, root / "exports", all_weeks(weeks)
        self.checkout.change(market={"weeks": weeks, "cut_off_days": 0})
        market = self.params["market"]
        lines = simulate(market).transactions(market)
        self.lines = lines.with_columns(week=pl.col("InvoiceDate").dt.strftime("%G-W%V"))

    def copy(self, root: Path) -> "WeeklyShop":
        """The same checkout, with all it has made, in another folder."""
        shutil.copytree(self.root, root)
        other = copy(self)
        other.checkout, other.root, other.source = Checkout(root), root, root / "exports"
        return other

    @property
    def params(self) -> dict[str, Any]:
        content: dict[str, Any] = yaml.safe_load((self.root / "params.yaml").read_text())
        return content

    def deliver(self, *weeks: str) -> None:
        """Write the files of these weeks, or of all."""
        self.source.mkdir(exist_ok=True)
        for week in weeks or self.weeks:
            self.of(week).write_parquet(self.source / f"{week}.parquet")

    def of(self, week: str) -> pl.DataFrame:
        return self.lines.filter(pl.col("week") == week).drop("week")

    def add(self, name: str, lines: pl.DataFrame) -> None:
        lines.write_parquet(self.source / name)

    def held(self) -> dict[str, str]:
        """sha256 of every file of the workspace and the lake that a backfill may change."""
        folders = [self.root / path for path in ("work/raw", "work/quarantine", "work/panel", "lake")]
        paths = [path for folder in folders for path in sorted(folder.rglob("*.parquet"))]
        single = [path for name in ("coming", "catalog") if (path := self.root / "work" / f"{name}.parquet").exists()]
        return {
            path.relative_to(self.root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in [*paths, *single]
            if "walk_forward" not in path.as_posix()
        }


def all_weeks(count: int = WEEKS) -> list[str]:
    return [iso_week(FIRST + timedelta(weeks=n)) for n in range(count)]


def corrected(lines: pl.DataFrame) -> pl.DataFrame:
    """Every third line sold one unit more."""
    third = pl.int_range(pl.len()) % 3 == 0
    return lines.with_columns(Quantity=pl.when(third).then(pl.col("Quantity") + 1).otherwise("Quantity"))


def late(lines: pl.DataFrame) -> pl.DataFrame:
    """More lines of the week, which came after its file."""
    return lines.head(20).with_columns(pl.format("{}5", "InvoiceNo").alias("InvoiceNo"), pl.col("InvoiceDate") + SECOND)


def taken_back(lines: pl.DataFrame, weeks: int) -> pl.DataFrame:
    """Cancellations, so many weeks later, of the first sales to customers who are known."""
    sold = (pl.col("Quantity") > 0) & pl.col("CustomerID").is_not_null() & (pl.col("UnitPrice") > 0)
    return (
        lines.filter(sold)
        .head(12)
        .with_columns(
            pl.format("C{}", "InvoiceNo").alias("InvoiceNo"),
            -pl.col("Quantity"),
            pl.col("InvoiceDate") + pl.duration(weeks=weeks),
        )
    )


def fresh(shop: WeeklyShop, root: Path, build: Callable[[WeeklyShop], Any]) -> dict[str, str]:
    """What a fresh workspace holds when it is built from the same source."""
    other = WeeklyShop(root)
    other.source = root / "exports"
    other.source.mkdir()
    for path in shop.source.glob("*"):
        (other.source / path.name).write_bytes(path.read_bytes())
    build(other)
    return other.held()
