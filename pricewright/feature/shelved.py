"""The sales of a week as they lie on a shelf: their tables, and in the index what is asked of every week."""

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from pricewright.feature.counts import Said
from pricewright.feature.panel import said
from pricewright.feature.sales import WeekSales
from pricewright.ingest.shelf import Entry

SALES, ASKED, NAMES, BUYERS = "sales.parquet", "asked.parquet", "names.parquet", "buyers.parquet"


@dataclass(frozen=True)
class SalesOnShelf:
    """The sales of a week as they lie on the shelf."""

    entry: Entry

    @cached_property
    def week(self) -> date:
        """Its Monday."""
        return date.fromisoformat(self.entry.index["week"])

    @property
    def days(self) -> tuple[date, ...]:
        """Days with a line."""
        return tuple(date.fromisoformat(day) for day in self.entry.index["days"])

    @property
    def said(self) -> Said:
        """What is counted of it."""
        index = self.entry.index
        return Said(self.week, index["units"], index["sold_units"], index["unsold"])

    def buyers(self) -> pl.LazyFrame:
        """stock_code and buyer."""
        return pl.scan_parquet(self.entry.folder / BUYERS, hive_partitioning=False)

    def codes(self) -> pl.Series:
        """Every SKU with a line."""
        return pl.read_parquet(self.entry.folder / NAMES, columns=["stock_code"])["stock_code"]

    def read(self) -> WeekSales:
        """The whole of it."""
        files = (SALES, ASKED, NAMES, BUYERS)
        sales, asked, names, buyers = (pl.read_parquet(self.entry.folder / name) for name in files)
        index = self.entry.index
        return WeekSales(
            week=self.week,
            sales=sales,
            asked=asked,
            names=names,
            unstocked=tuple(index["unstocked"]),
            says_stock=index["says_stock"],
            buyers=buyers,
            days=self.days,
            countries=index["countries"],
            home=index["home"],
            units=index["units"],
        )


def write_sales(week: WeekSales, folder: Path) -> dict[str, Any]:
    """Write SALES, ASKED, NAMES and BUYERS; returns what else there is to know."""
    for name, frame in ((SALES, week.sales), (ASKED, week.asked), (NAMES, week.names)):
        frame.write_parquet(folder / name, compression="lz4")
    # in small groups of rows, in order of SKU, so that those of a range of SKUs are read without the others
    week.buyers.write_parquet(folder / BUYERS, compression="lz4", row_group_size=2**16)
    counted = said(week)
    return {
        "week": str(week.week),
        "days": [str(day) for day in week.days],
        "countries": dict(week.countries),
        "home": week.home,
        "units": counted.units,
        "sold_units": counted.sold_units,
        "unsold": list(counted.unsold),
        "unstocked": list(week.unstocked),
        "says_stock": week.says_stock,
        "buyers": week.buyers.height,
    }
