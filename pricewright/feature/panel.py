"""The weekly panel: one row per SKU and week, with what was known about it when the week began."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

import polars as pl

from pricewright.core.errors import SourceError
from pricewright.feature.catalog import build_catalog
from pricewright.feature.counts import Said, count
from pricewright.feature.returning import repeat_customers
from pricewright.feature.sales import WeekSales, read_sales
from pricewright.feature.walk import Walk
from pricewright.feature.week import open_weeks
from pricewright.units import counted

NOBODY = pl.DataFrame(schema={"stock_code": pl.String, "repeat_customers": pl.Float64})


@dataclass(frozen=True)
class Ending:
    """Where the panel ends. coming: the week after the last full one, one row per SKU of the catalog, units unknown;
    dropped: stock_code and age of the SKUs that are in no row; counts: what was kept and what was not."""

    coming: pl.DataFrame
    catalog: pl.DataFrame
    dropped: pl.DataFrame
    counts: dict[str, Any]


@dataclass(frozen=True)
class Panel:
    """rows: one per SKU and open week since its first sale, in order of stock_code and week; the rest as in Ending."""

    rows: pl.DataFrame
    coming: pl.DataFrame
    catalog: pl.DataFrame
    counts: dict[str, Any]


def build_panel(transactions: pl.DataFrame, params: Mapping[str, Any], last_week: date | None = None) -> Panel:
    """The panel of accepted transactions; `params` is the section `feature` of params.yaml.

    All at once, in memory; weekly.py gives the same week by week, on disk. `last_week` names the last full week (a
    Monday) where it should not be looked for. Raises SourceError when no SKU sold in enough weeks.
    """
    sales = read_sales(transactions)
    weeks = weeks_of([week.days for week in sales], last_week)
    past = [week for week in sales if week.week < weeks["week"][-1]]
    codes = sorted(set().union(*(week.sales["stock_code"] for week in past)))
    again = gather(
        repeat_customers([week.buyers.lazy() for week in past], 0, codes, sum(w.buyers.height for w in past))
    )
    walk = Walk(codes, weeks, params)
    steps = [walk.step(week, again.get(t, NOBODY)) for t, week in enumerate(past)]
    carried = walk.carried_on()
    later = set().union(*(week.names["stock_code"] for week in sales[len(past) :]))
    ending = end(walk, carried, [said(week) for week in sales], weeks, later, params)
    rows = pl.concat(steps).join(ending.dropped, on="stock_code", how="anti")
    return Panel(rows.sort("stock_code", "week"), ending.coming, ending.catalog, ending.counts)


def weeks_of(days: Sequence[Sequence[date]], last_week: date | None = None) -> pl.DataFrame:
    """open_weeks of the days of all weeks."""
    times = [datetime.combine(day, time()) for week in days for day in week]
    return open_weeks(pl.DataFrame({"invoice_time": times}, schema={"invoice_time": pl.Datetime("us")}), last_week)


def gather(parts: Any) -> dict[int, pl.DataFrame]:
    """Customers who come again by week."""
    found: dict[int, list[pl.DataFrame]] = {}
    for t, rows in parts:
        found.setdefault(t, []).append(rows)
    return {t: pl.concat(rows) for t, rows in found.items()}


def said(week: WeekSales) -> Said:
    """What is counted of a week."""
    unsold = week.names.join(week.sales, on="stock_code", how="anti")["stock_code"].sort()
    return Said(week.week, week.units, counted(week.sales["units"].sum()), unsold.to_list())


def end(
    walk: Walk, carried: pl.DataFrame, said: Sequence[Said], weeks: pl.DataFrame, later: set[str],
    params: Mapping[str, Any],
) -> Ending:  # fmt: skip
    """The coming week, the catalog and the counts, when the walk has seen the last full week."""
    least = int(params["min_selling_weeks"])
    most = int(carried["selling_weeks"].sort().tail(1).sum())
    if most < least:
        raise SourceError(
            f"no SKU sold in {least} full weeks or more (the most: {most}).",
            "bring a longer history, or lower feature.min_selling_weeks in params.yaml.",
        )
    often = pl.col("selling_weeks") >= least
    kept = carried.filter(often)
    ahead = walk.coming().join(kept, on="stock_code", how="semi", maintain_order="left")
    catalog = build_catalog(kept, ahead, walk.t, params)
    return Ending(
        coming=ahead.join(catalog, on="stock_code", how="semi", maintain_order="left"),
        catalog=catalog,
        dropped=carried.filter(~often).select("stock_code", "age"),
        counts=count(said, carried, kept, catalog.height, weeks, later),
    )
