"""The weekly panel: one row per SKU and week, with what was known about it when the week began."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from demand.errors import SourceError
from demand.feature.catalog import build_catalog
from demand.feature.columns import FEATURES, add_features
from demand.feature.counts import count
from demand.feature.grid import fill_weeks, usual_prices
from demand.feature.sales import weekly_sales
from demand.feature.week import monday, open_weeks

KEPT = (
    "stock_code", "week", "units", "price", "list_price", "sold", "orders", "customers", "reference_price",
    "last_price",
)  # fmt: skip


@dataclass(frozen=True)
class Panel:
    """rows: one per SKU and open week since its first sale; coming: the week after the last full one, one row per
    SKU of the catalog, units unknown; both in order of stock_code and week. counts: what was kept and what was not."""

    rows: pl.DataFrame
    coming: pl.DataFrame
    catalog: pl.DataFrame
    counts: dict[str, Any]


def build_panel(transactions: pl.DataFrame, params: Mapping[str, Any], last_week: date | None = None) -> Panel:
    """The panel of accepted transactions; `params` is the section `feature` of params.yaml.

    `last_week` names the last full week (a Monday) where it should not be looked for. Raises SourceError when no SKU
    sold in enough weeks.
    """
    weeks = open_weeks(transactions, last_week)
    coming_week = weeks["week"][-1]
    past = transactions.filter(monday(pl.col("invoice_time")) < coming_week)
    sales = weekly_sales(past)
    everything = usual_prices(fill_weeks(sales, weeks), int(params["reference_weeks"]))
    enough = often_sold(sales, int(params["min_selling_weeks"]))
    kept = everything.join(enough, on="stock_code", how="semi", maintain_order="left")
    full = add_features(kept, everything, weeks, int(params["family_code_length"]))
    rows, coming = full.filter(pl.col("week") < coming_week), full.filter(pl.col("week") == coming_week)
    catalog = build_catalog(rows, coming, past, params)
    coming = coming.join(catalog, on="stock_code", how="semi", maintain_order="left")
    return Panel(
        rows=rows.select(*KEPT, *FEATURES),
        coming=coming.select(*KEPT, *FEATURES),
        catalog=catalog,
        counts=count(transactions, sales, rows, catalog, weeks),
    )


def often_sold(sales: pl.DataFrame, min_selling_weeks: int) -> pl.DataFrame:
    """stock_code and selling_weeks of the SKUs that sold in at least `min_selling_weeks` weeks."""
    counted = sales.filter(pl.col("units") > 0).group_by("stock_code").agg(selling_weeks=pl.len())
    enough = counted.filter(pl.col("selling_weeks") >= min_selling_weeks)
    if enough.is_empty():
        most = counted["selling_weeks"].sort().tail(1).sum()
        raise SourceError(
            f"no SKU sold in {min_selling_weeks} full weeks or more (the most: {most}).",
            "bring a longer history, or lower feature.min_selling_weeks in params.yaml.",
        )
    return enough
