"""The weekly panel: a row per SKU and week with what was known when the week began; the catalog; the counts."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

import polars as pl

from pricewright.core.errors import SourceError
from pricewright.feature.panel_builder import PanelBuilder
from pricewright.feature.sales import WeekSales, open_weeks, read_sales, repeat_customers
from pricewright.items import ZONE, Chain, chain_of
from pricewright.partitions import iso_week
from pricewright.units import counted

TIERS = ("low", "middle", "high")
SPEEDS = ("slow", "middle", "fast")
NOBODY = pl.DataFrame(schema={"stock_code": pl.String, "repeat_customers": pl.Float64})


def build_catalog(carried: pl.DataFrame, coming: pl.DataFrame, weeks: int, params: Mapping[str, Any]) -> pl.DataFrame:
    """One row per SKU that sold in the last `catalog_weeks` weeks, in order of stock_code.

    carried: of the panel's SKUs, what is carried after the last of `weeks` weeks; coming: their rows of the coming one.
    The thresholds are `segments` of the section `feature`. Terciles are among the SKUs of the catalog.
    """
    segments = params["segments"]
    skus = carried.filter(pl.col("last_sold") >= weeks - int(params["catalog_weeks"]))
    skus = skus.join(coming.select("stock_code", "reference_price"), on="stock_code")
    skus = skus.with_columns(weekly=pl.col("all_units") / pl.col("age"))
    registered = pl.col("all_registered") / pl.col("all_known") > float(segments["registered_share"])
    home = 1.0 - pl.col("all_abroad") / pl.col("all_known") >= float(segments["home_share"])
    return skus.sort("stock_code").select(
        "stock_code",
        pl.col("description").fill_null(""),
        "category",
        "brand",
        pl.col("regular_price").alias("current_price"),
        "reference_price",
        "price_min",
        "price_max",
        "unit_cost",
        "competitor_price",
        "tax_rate",
        customer_segment=pl.when(registered).then(pl.lit("registered")).otherwise(pl.lit("guest")),
        country_segment=pl.when(home).then(pl.lit("home")).otherwise(pl.lit("abroad")),
        price_tier=_terciles("regular_price", TIERS),
        speed=_terciles("weekly", SPEEDS),
    )


def _terciles(column: str, names: tuple[str, ...]) -> pl.Expr:
    """The third of the SKUs that a value is in, by rank; equal values are in the same third."""
    share = (pl.col(column).rank("min") - 1) / pl.len()
    first, second, third = (pl.lit(name) for name in names)
    return pl.when(share < 1 / 3).then(first).when(share < 2 / 3).then(second).otherwise(third)


@dataclass(frozen=True)
class WeekCounts:
    """Numbers of one week's transactions. units: of all lines; sold_units: of the sales; unsold: SKUs with lines only
    that were cancelled in the week."""

    week: date
    units: float
    sold_units: float
    unsold: Collection[str]


def count(
    week_counts: Sequence[WeekCounts],
    carried: pl.DataFrame,
    kept: pl.DataFrame,
    listed: int,
    weeks: pl.DataFrame,
    later: set[str],
) -> dict[str, Any]:
    """Numbers of the feature stage; units + units_dropped of each reason = units of the transactions.

    week_counts: of all weeks; carried: of all SKUs after the last full week, kept: of the panel's; weeks: as open_weeks
    gives them; later: SKUs of the weeks after the last full one.
    """
    first, last, coming = weeks["week"][0], weeks["week"][-2], weeks["week"][-1]
    accepted = sum(week.units for week in week_counts)
    in_weeks = sum(week.sold_units for week in week_counts if week.week < coming)
    in_panel, skus = counted(kept["all_units"].sum()), kept.height
    everything = later.union(carried["stock_code"], *(week.unsold for week in week_counts))
    return {
        "rows": int(kept["age"].sum()),
        "skus": skus,
        "catalog_skus": listed,
        "weeks": weeks.height - 1,
        "closed_weeks": (last - first).days // 7 + 2 - weeks.height,
        "first_week": iso_week(first),
        "last_week": iso_week(last),
        "coming_week": iso_week(coming),
        "units": in_panel,
        "units_dropped": {
            "too_few_selling_weeks": counted(in_weeks - in_panel),
            "week_cut_off": counted(accepted - in_weeks),
        },
        "skus_dropped": {
            "too_few_selling_weeks": carried.height - skus,
            "week_cut_off": len(everything) - carried.height,
        },
        "skus_without_price": {"no_longer_sold": skus - listed},
    }


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


def build_panel(
    transactions: pl.DataFrame, params: Mapping[str, Any], last_week: date | None = None, chain: Chain | None = None
) -> Panel:
    """The panel of accepted transactions; `params` is the section `feature` of params.yaml.

    All at once, in memory; weekly.py gives the same week by week, on disk. `last_week` names the last full week (a
    Monday) where it should not be looked for; chain: what is priced, by default each SKU in each zone that lines name.
    Raises SourceError when no SKU sold in enough weeks.
    """
    chain = chain or chain_of(ZONE, transactions)
    sales = read_sales(chain.items(transactions))
    weeks = weeks_of([week.days for week in sales], last_week)
    past = [week for week in sales if week.week < weeks["week"][-1]]
    codes = sorted(set().union(*(week.sales["stock_code"] for week in past)))
    again = gather(
        repeat_customers([week.buyers.lazy() for week in past], 0, codes, sum(w.buyers.height for w in past))
    )
    builder = PanelBuilder(codes, weeks, params, parted=chain.parted, stock=chain.stock)
    steps = [builder.step(week, again.get(t, NOBODY)) for t, week in enumerate(past)]
    carried = builder.carried_on()
    later = set().union(*(week.names["stock_code"] for week in sales[len(past) :]))
    ending = end(builder, carried, [counts_of(week) for week in sales], weeks, later, params, chain)
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


def counts_of(week: WeekSales) -> WeekCounts:
    """What is counted of a week."""
    unsold = week.names.join(week.sales, on="stock_code", how="anti")["stock_code"].sort()
    return WeekCounts(week.week, week.units, counted(week.sales["units"].sum()), unsold.to_list())


def end(
    builder: PanelBuilder, carried: pl.DataFrame, week_counts: Sequence[WeekCounts], weeks: pl.DataFrame,
    later: set[str], params: Mapping[str, Any], chain: Chain,
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
    ahead = builder.coming().join(kept, on="stock_code", how="semi", maintain_order="left")
    catalog = chain.with_limits(build_catalog(kept, ahead, builder.t, params))
    return Ending(
        coming=ahead.join(catalog, on="stock_code", how="semi", maintain_order="left"),
        catalog=catalog,
        dropped=carried.filter(~often).select("stock_code", "age"),
        counts=count(week_counts, carried, kept, catalog.height, weeks, later),
    )
