"""The weekly panel: one row per SKU and week, with what was known about it when the week began."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from demand.errors import SourceError
from demand.feature.calendar import CALENDAR
from demand.feature.catalog import build_catalog
from demand.feature.customer_mix import CUSTOMER_MIX
from demand.feature.family import FAMILY, family, family_weeks
from demand.feature.grid import fill_weeks, usual_prices
from demand.feature.history import HISTORY
from demand.feature.last_year import LAST_YEAR, last_year
from demand.feature.price_history import PRICE_HISTORY
from demand.feature.sales import weekly_sales
from demand.feature.shop import SHOP, shop_weeks
from demand.feature.week import monday, open_weeks

FEATURES: tuple[str, ...] = (*HISTORY, *CUSTOMER_MIX, *PRICE_HISTORY, *FAMILY, *LAST_YEAR, *SHOP, *CALENDAR)
KEPT = ("stock_code", "week", "units", "price", "sold", "orders", "customers", "reference_price", "last_price")


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
    enough = selling_weeks(sales).filter(pl.col("weeks") >= int(params["min_selling_weeks"]))
    if enough.is_empty():
        raise SourceError(
            f"no SKU sold in {params['min_selling_weeks']} weeks or more (the most: {_most(sales)} weeks).",
            "lower feature.min_selling_weeks in params.yaml, or bring a longer history.",
        )
    kept = everything.join(enough, on="stock_code", how="semi", maintain_order="left")
    full = _with_features(kept, everything, sales, weeks)
    rows = full.filter(pl.col("week") < coming_week)
    catalog = build_catalog(rows, past, params)
    columns = [*KEPT, *FEATURES]
    coming = full.filter(pl.col("week") == coming_week).join(
        catalog, on="stock_code", how="semi", maintain_order="left"
    )
    usual = coming.select("stock_code", "reference_price")
    return Panel(
        rows=rows.select(columns),
        coming=coming.select(columns),
        catalog=_ordered(catalog.join(usual, on="stock_code", maintain_order="left")),
        counts=_counts(transactions, rows, catalog, weeks, sales),
    )


def selling_weeks(sales: pl.DataFrame) -> pl.DataFrame:
    """stock_code and weeks: in how many weeks a SKU sold."""
    return sales.group_by("stock_code").agg(weeks=pl.len())


def _with_features(
    kept: pl.DataFrame, everything: pl.DataFrame, sales: pl.DataFrame, weeks: pl.DataFrame
) -> pl.DataFrame:
    """The kept rows with FEATURES as float32; what a young SKU has no history for is 0."""
    own = {**HISTORY, **CUSTOMER_MIX, **PRICE_HISTORY}
    full = (
        kept.with_columns(family(), *(expression.over("stock_code").alias(name) for name, expression in own.items()))
        .join(family_weeks(everything), on=["family", "week"], how="left")
        .join(last_year(kept), on=["stock_code", "week"], how="left")
        .join(shop_weeks(sales, weeks), on="week", how="left")
    )
    return full.with_columns(pl.col(FEATURES).cast(pl.Float32).fill_nan(0).fill_null(0)).sort("stock_code", "week")


def _ordered(catalog: pl.DataFrame) -> pl.DataFrame:
    names = list(catalog.columns)
    names.insert(names.index("current_price") + 1, names.pop())
    return catalog.select(names)


def _most(sales: pl.DataFrame) -> Any:
    return selling_weeks(sales)["weeks"].max() or 0


def _counts(
    transactions: pl.DataFrame, rows: pl.DataFrame, catalog: pl.DataFrame, weeks: pl.DataFrame, sales: pl.DataFrame
) -> dict[str, Any]:
    """What is in the panel and what is not; units + units_dropped of each reason = units accepted."""
    total = float(transactions["units"].sum())
    in_weeks, in_panel = float(sales["units"].sum()), float(rows["units"].sum())
    first, last = weeks["week"][0], weeks["week"][-2]
    return {
        "rows": rows.height,
        "skus": rows["stock_code"].n_unique(),
        "catalog_skus": catalog.height,
        "weeks": weeks.height - 1,
        "closed_weeks": (last - first).days // 7 + 1 - (weeks.height - 1),
        "first_week": first.strftime("%G-W%V"),
        "last_week": last.strftime("%G-W%V"),
        "coming_week": weeks["week"][-1].strftime("%G-W%V"),
        "units": in_panel,
        "skus_dropped": {"too_few_selling_weeks": sales["stock_code"].n_unique() - rows["stock_code"].n_unique()},
        "units_dropped": {"too_few_selling_weeks": in_weeks - in_panel, "week_cut_off": total - in_weeks},
    }
